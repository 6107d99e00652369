// ioredis, as applications use it.
"use strict";
const assert = require("node:assert/strict");
const Redis = require("ioredis");
const { URL, LAST_URL, eventually, main } = require("./parts.js");

/** Until so many clients of the last node wait in a call. */
async function blocked(count) {
  const asking = new Redis(LAST_URL);
  await eventually(async () => (await asking.info("clients")).includes(`blocked_clients:${count}\r\n`));
  asking.disconnect();
}

main({
  async basics() {
    const one = new Redis(URL), two = new Redis(LAST_URL);
    assert.equal(await one.set("i:k", "v", "PX", 60000, "NX"), "OK");
    assert.equal(await two.get("i:k"), "v");
    await one.hset("i:h", { name: "Ada", age: 36 });
    assert.deepEqual(await two.hgetall("i:h"), { name: "Ada", age: "36" });
    await one.zadd("i:z", 1, "a", 2.5, "b");
    assert.deepEqual(await two.zrange("i:z", 0, -1, "WITHSCORES"), ["a", "1", "b", "2.5"]);
    const bytes = Buffer.from([0, 255, 10, 13]);
    await one.set("i:b", bytes);
    assert.deepEqual(await two.getBuffer("i:b"), bytes);
    await assert.rejects(one.lpush("i:k", "x"), /WRONGTYPE/);
    const seen = [];
    for await (const keys of two.scanStream({ match: "i:*", count: 2 })) seen.push(...keys);
    assert.deepEqual([...new Set(seen)].sort(), ["i:b", "i:h", "i:k", "i:z"]);
  },

  async pipelines() {
    const one = new Redis(URL), two = new Redis(LAST_URL);
    const pipeline = one.pipeline();
    for (let n = 0; n < 100; n++) pipeline.incr("i:n").get("i:n");
    const replies = await pipeline.exec();
    assert.deepEqual(replies.at(-1), [null, "100"]);
    assert.deepEqual(await two.multi().incr("i:n").get("i:n").exec(), [[null, 101], [null, "101"]]);
    await one.watch("i:n");
    await two.incr("i:n");
    assert.equal(await one.multi().set("i:n", "lost").exec(), null);
    const automatic = new Redis(URL, { enableAutoPipelining: true });
    await Promise.all(Array.from({ length: 200 }, () => automatic.incr("i:auto")));
    assert.equal(await two.get("i:auto"), "200");
  },

  async pubsub() {
    const one = new Redis(URL), two = new Redis(LAST_URL), heard = [];
    two.on("message", (channel, message) => heard.push([channel, message]));
    two.on("pmessage", (pattern, channel, message) => heard.push([pattern, channel, message]));
    assert.equal(await two.subscribe("i:news"), 1);
    assert.equal(await two.psubscribe("i:new?"), 2);
    await one.publish("i:news", "hello");
    await eventually(() => heard.length === 2);
    assert.deepEqual(heard, [["i:news", "hello"], ["i:new?", "i:news", "hello"]]);
    assert.equal(await two.unsubscribe("i:news"), 1);
    assert.equal(await two.punsubscribe(), 0);
    assert.equal(await two.ping(), "PONG");
  },

  async scripts() {
    const one = new Redis(URL), two = new Redis(LAST_URL);
    for (const client of [one, two])
      client.defineCommand("addTo", { numberOfKeys: 1, lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])" });
    assert.equal(await one.addTo("i:s", 5), 5);
    assert.equal(await two.addTo("i:s", 2), 7);
    assert.deepEqual(await one.multi().addTo("i:s", 1).exec(), [[null, 8]]);
    assert.deepEqual(await one.pipeline().addTo("i:s", 1).addTo("i:s", 1).exec(), [[null, 9], [null, 10]]);
  },

  async streams() {
    const one = new Redis(URL), two = new Redis(LAST_URL);
    const waiting = two.xread("BLOCK", 10000, "STREAMS", "i:st", "$");
    await blocked(1);
    const id = await one.xadd("i:st", "*", "n", "1");
    assert.deepEqual(await waiting, [["i:st", [[id, ["n", "1"]]]]]);
    await one.xgroup("CREATE", "i:st", "g", "0");
    const got = await two.xreadgroup("GROUP", "g", "c", "COUNT", 1, "STREAMS", "i:st", ">");
    assert.equal(got[0][1][0][0], id);
    assert.equal(await one.xack("i:st", "g", id), 1);
  },

  async blocking() {
    const one = new Redis(URL), two = new Redis(LAST_URL);
    const taking = two.brpop("i:jobs", 10);
    const moving = two.duplicate().blmove("i:from", "i:to", "LEFT", "RIGHT", 10);
    await blocked(2);
    await one.lpush("i:jobs", "job");
    await one.lpush("i:from", "moved");
    assert.deepEqual(await taking, ["i:jobs", "job"]);
    assert.equal(await moving, "moved");
    assert.equal(await one.blpop("i:none", 0.05), null);
  },
});
