// A program of the tests under node: functions by name; which one runs is the first argument. It prints `fine` at the end.
"use strict";
const URL = process.env.TARGET_URL;
const LAST_URL = process.env.TARGET_LAST_URL;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function eventually(condition, ms = 60000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${condition}`);
    await sleep(10);
  }
}

function main(parts) {
  const name = process.argv[2];
  parts[name]().then(
    () => { console.log(`fine ${name}`); process.exit(0); },
    (error) => { console.error(error); process.exit(1); },
  );
}

module.exports = { URL, LAST_URL, sleep, eventually, main };
