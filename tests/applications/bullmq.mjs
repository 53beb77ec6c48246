// BullMQ's queue, workers, flow and events, all of whose steps are Lua scripts: node bullmq.mjs PORT [PID]
//
// With a PID, over ioredis' Cluster, while the node of that process, which leads its keys, is killed.
// "{bull}" keeps them in one slot, which its scripts need.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(fileURLToPath(new URL("../node_client/", import.meta.url)));
const { FlowProducer, Queue, QueueEvents, Worker } = require("bullmq");
const { Cluster, Redis } = require("ioredis");

const [port, pid] = process.argv.slice(2).map(Number);
const until = Date.now() + 60_000;

function connect() {
  const options = { maxRetriesPerRequest: null };
  const client = pid
    ? new Cluster([{ host: "127.0.0.1", port }], { redisOptions: options })
    : new Redis(port, "127.0.0.1", options);
  client.on("error", () => {}); // of connections to the killed node
  return client;
}

const made = [];
function make(Kind, ...rest) {
  const part = new Kind(...rest, { connection: connect(), prefix: "{bull}" });
  part.on("error", () => {}); // a call that was under way when the node was killed
  made.push(part);
  return part;
}

async function eventually(condition) {
  while (!(await condition())) {
    assert.ok(Date.now() < until, String(condition));
    await new Promise((turn) => setImmediate(turn));
  }
}

let attempts = 0;
const sums = new Set();
const queue = make(Queue, "math");
const events = make(QueueEvents, "math");
const parentEvents = make(QueueEvents, "parents");
await Promise.all([events.waitUntilReady(), parentEvents.waitUntilReady()]);
make(Worker, "math", async (job) => {
  if (job.name === "hopeless") throw new Error("never");
  if (job.name === "flaky") {
    attempts += 1;
    if (attempts < 3) throw new Error("not yet");
    return "third time lucky";
  }
  const sum = job.data.reduce((one, other) => one + other, 0);
  await job.updateProgress(100);
  sums.add(sum);
  return sum;
});
make(Worker, "parents", async (job) => Object.values(await job.getChildrenValues()).length);

const added = await queue.add("add", [1, 2]);
assert.equal(await added.waitUntilFinished(events), 3);
const delayed = await queue.add("add", [20, 22], { delay: 20 });
assert.equal(await delayed.waitUntilFinished(events), 42);
const flaky = await queue.add("flaky", [], { attempts: 5, backoff: 5 });
assert.equal(await flaky.waitUntilFinished(events), "third time lucky");
const hopeless = await queue.add("hopeless", []);
await assert.rejects(hopeless.waitUntilFinished(events), /never/);
const bulk = await queue.addBulk(
  Array.from({ length: 50 }, (_, number) => ({
    name: "add",
    data: [number, 100],
    opts: { priority: 1 + (number % 5) },
  })),
);
for (const job of bulk) await job.waitUntilFinished(events);
assert.ok(bulk.every((_, number) => sums.has(number + 100)));

const flow = make(FlowProducer);
const tree = await flow.add({
  name: "count",
  queueName: "parents",
  children: [1, 2, 3].map((number) => ({ name: "add", queueName: "math", data: [number] })),
});
assert.equal(await tree.job.waitUntilFinished(parentEvents), 3);
const counts = await queue.getJobCounts("completed", "failed", "waiting", "delayed", "prioritized");
assert.deepEqual(counts, { completed: 56, failed: 1, waiting: 0, delayed: 0, prioritized: 0 });
assert.equal((await queue.getFailed())[0].failedReason, "never");

if (pid) {
  process.kill(pid, "SIGKILL");
  for (let number = 0; number < 50; number += 1) {
    await eventually(() => queue.add("add", [number, 1000]).catch(() => false));
  }
  await eventually(() => Array.from({ length: 50 }, (_, n) => n + 1000).every((sum) => sums.has(sum)));
} else {
  await queue.pause();
  const job = await queue.add("add", [1, 1]);
  assert.equal(await job.getState(), "waiting");
  await queue.obliterate({ force: true });
  assert.equal(await queue.getJob(job.id), undefined);
  await Promise.all(made.map((part) => part.close()));
}
process.exit(0);
