// A queue, a worker with retries and a scheduler of delayed jobs, by node-resque over ioredis' Redis or
// Cluster, while the node that leads them is killed: node node_resque.mjs Redis|Cluster PORT [PID]
//
// With a Redis node-resque takes jobs by a Lua script, with a Cluster by LPOP and SET instead.
// "{resque}" keeps its keys in one slot, which its transactions need.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const client = fileURLToPath(new URL("../node_client/", import.meta.url));
const resque = createRequire(client).resolve("node-resque");
const { Plugins, Queue, Scheduler, Worker } = createRequire(client)(resque);
const { Cluster, Redis } = createRequire(resque)("ioredis"); // the one that it compares with

const [port, pid] = process.argv.slice(3).map(Number);
const until = Date.now() + 60_000;

const redis =
  process.argv[2] === "Cluster"
    ? new Cluster([{ host: "127.0.0.1", port }])
    : new Redis(port, "127.0.0.1");
redis.on("error", () => {}); // of connections to the killed node
const connection = { redis, namespace: "{resque}" };

let attempts = 0;
const jobs = {
  add: { perform: async (a, b) => a + b },
  flaky: {
    plugins: [Plugins.Retry],
    pluginOptions: { Retry: { retryLimit: 5, retryDelay: 1 } },
    perform: async () => {
      attempts += 1;
      if (attempts < 3) throw new Error("not yet");
      return "third time lucky";
    },
  },
  hopeless: {
    perform: async () => {
      throw new Error("never");
    },
  },
};

const queue = new Queue({ connection }, jobs);
const worker = new Worker({ connection, queues: ["math"], timeout: 20 }, jobs);
const scheduler = new Scheduler({ connection, timeout: 20 });
const results = new Map();
const failures = [];
worker.on("success", (_, job, result) => results.set(`${job.class}(${job.args})`, result));
worker.on("failure", (_, job, error) => failures.push(`${job.class}: ${error.message}`));
for (const part of [queue, worker, scheduler]) {
  part.on("error", () => {}); // a call that was under way when the node was killed
  await part.connect();
}
await worker.start();
await scheduler.start();

async function eventually(condition) {
  while (!(await condition())) {
    assert.ok(Date.now() < until, `${condition}: ${[...results.keys()]} ${failures}`);
    await new Promise((turn) => setImmediate(turn));
  }
}

await queue.enqueue("math", "add", [1, 2]);
await queue.enqueue("math", "hopeless");
await queue.enqueueIn(10, "math", "add", [20, 22]);
await queue.enqueue("math", "flaky");
await eventually(() => results.get("add(1,2)") === 3 && failures.includes("hopeless: never"));
await eventually(() => results.get("add(20,22)") === 42);
await eventually(() => attempts === 3);
assert.equal(await queue.failedCount(), 1);
assert.deepEqual((await queue.failed(0, 0)).map((failed) => failed.error), ["never"]);
assert.equal(await queue.length("math"), 0);
assert.deepEqual(Object.keys(await queue.workers()), [worker.name]);

if (pid) {
  process.kill(pid, "SIGKILL");
  for (let number = 0; number < 50; number += 1) {
    await eventually(() => queue.enqueue("math", "add", [number, 1000]).catch(() => false));
  }
  const all = Array.from({ length: 50 }, (_, number) => `add(${number},1000)`);
  await eventually(() => all.every((job) => results.has(job)));
}
process.exit(0);
