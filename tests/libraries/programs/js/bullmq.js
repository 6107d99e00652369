// BullMQ: queues, workers, events, flows, schedulers, limits. Workers are connected to another node than the queue.
"use strict";
const assert = require("node:assert/strict");
const Redis = require("ioredis");
const { Queue, Worker, QueueEvents, FlowProducer } = require("bullmq");
const { URL, LAST_URL, sleep, eventually, main } = require("./parts.js");

const connect = (url) => new Redis(url, { maxRetriesPerRequest: null });
const connection = connect(URL);
const queue = (name) => new Queue(name, { connection });
const worker = (name, work, options = {}) => new Worker(name, work, { connection: connect(LAST_URL), ...options });
async function events(name) {
  const found = new QueueEvents(name, { connection: connect(LAST_URL) });
  await found.waitUntilReady();
  return found;
}

main({
  async results() {
    const jobs = queue("b-results"), heard = await events("b-results");
    worker("b-results", async (job) => {
      if (job.name === "fail") throw new Error("on purpose");
      await job.updateProgress(50);
      await job.log("half way");
      return job.data.n * 2;
    }, { concurrency: 5 });
    const progress = [];
    heard.on("progress", ({ data }) => progress.push(data));
    const added = await jobs.addBulk(Array.from({ length: 100 }, (_, n) => ({ name: "double", data: { n } })));
    assert.deepEqual(await Promise.all(added.map((job) => job.waitUntilFinished(heard))), added.map((_, n) => 2 * n));
    await eventually(() => progress.length === 100);
    await assert.rejects((await jobs.add("fail", {})).waitUntilFinished(heard), /on purpose/);
    const counts = await jobs.getJobCounts("completed", "failed", "wait");
    assert.deepEqual(counts, { completed: 100, failed: 1, wait: 0 });
    assert.equal((await jobs.getJobLogs(added[0].id)).count, 1);
    assert.equal((await jobs.clean(0, 1000, "completed")).length, 100);
    await jobs.obliterate({ force: true });
  },

  async retries() {
    const jobs = queue("b-retries"), heard = await events("b-retries");
    worker("b-retries", async (job) => {
      if (job.attemptsMade < 2) throw new Error("not yet");
      return job.attemptsMade;
    });
    const job = await jobs.add("third", {}, { attempts: 5, backoff: { type: "exponential", delay: 20 } });
    assert.equal(await job.waitUntilFinished(heard), 2);
  },

  async order() {
    const jobs = queue("b-order"), done = [];
    await jobs.pause();
    await jobs.addBulk([["low", 9], ["high", 1], ["mid", 5], ["first", 0]].map(([name, priority]) => ({ name, opts: { priority } })));
    await jobs.add("later", {}, { delay: 1500 });
    assert.ok(await jobs.isPaused());
    worker("b-order", async (job) => { done.push(job.name); });
    await sleep(100);
    assert.deepEqual(done, []);
    await jobs.resume();
    await eventually(() => done.length === 5);
    assert.deepEqual(done, ["first", "high", "mid", "low", "later"]);
    const twins = await Promise.all([1, 2].map(() => jobs.add("twin", {}, { jobId: "twin" })));
    assert.equal(twins[0].id, twins[1].id);
    await eventually(() => done.length === 6);
  },

  async flows() {
    const heard = await events("b-parents");
    worker("b-children", async (job) => job.data.n * 10);
    worker("b-parents", async (job) => Object.values(await job.getChildrenValues()).reduce((a, b) => a + b, 0));
    const tree = await new FlowProducer({ connection }).add({
      name: "sum", queueName: "b-parents",
      children: [1, 2, 3].map((n) => ({ name: "child", queueName: "b-children", data: { n } })),
    });
    assert.equal(await tree.job.waitUntilFinished(heard), 60);
  },

  async schedule() {
    const jobs = queue("b-schedule");
    let ticks = 0;
    worker("b-schedule", async () => { ticks++; });
    await jobs.upsertJobScheduler("ticker", { every: 100 }, { name: "tick" });
    await eventually(() => ticks >= 3);
    assert.equal((await jobs.getJobSchedulers()).length, 1);
    assert.ok(await jobs.removeJobScheduler("ticker"));
  },

  async limits() {
    const jobs = queue("b-limits");
    const times = [];
    worker("b-limits", async () => { times.push(Date.now()); }, { limiter: { max: 2, duration: 600 }, concurrency: 10 });
    await jobs.addBulk(Array.from({ length: 6 }, () => ({ name: "limited" })));
    await eventually(() => times.length === 6);
    assert.ok(times[5] - times[0] >= 500, `six jobs within ${times[5] - times[0]} ms`);
  },

  async stalled() {
    const jobs = queue("b-stalled");
    const lost = connect(LAST_URL);
    const runs = [];
    const first = worker("b-stalled", async () => { runs.push("first"); await sleep(60000); }, { lockDuration: 300, skipLockRenewal: true, skipStalledCheck: true, connection: lost });
    await jobs.add("job", {});
    await eventually(() => runs.length === 1);
    lost.disconnect();
    first.close(true).catch(() => {});
    worker("b-stalled", async () => { runs.push("second"); }, { stalledInterval: 200 });
    await eventually(() => runs.length === 2);
    assert.deepEqual(runs, ["first", "second"]);
  },
});
