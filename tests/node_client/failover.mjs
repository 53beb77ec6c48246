// A leader is killed while keys of all nodes are written: node failover.mjs CLIENT PORT PID
//
// The client follows redirections (leaders were moved after it had looked at the cluster) and goes
// on after the kill; what was acknowledged is there. ioredis looks at the cluster again by itself;
// node-redis does so only when a node redirects it, so its application lets it fail with the
// connection and connects anew.
import assert from "node:assert/strict";
import { Cluster } from "ioredis";
import { createCluster } from "redis";

const [name, port, pid] = process.argv.slice(2);
const numbers = Array.from({ length: 200 }, (_, index) => index);

async function connect() {
  if (name === "ioredis") {
    const client = new Cluster([{ host: "127.0.0.1", port: Number(port) }]);
    client.on("error", () => {}); // of connections to the killed node
    await new Promise((ready) => client.once("ready", ready));
    return (...argv) => client.call(...argv);
  }
  const client = createCluster({
    rootNodes: [{ socket: { host: "127.0.0.1", port } }],
    defaults: { socket: { reconnectStrategy: false } },
  });
  client.on("error", () => {});
  await client.connect();
  return (...argv) => client.sendCommand(argv[1], argv[0] === "GET", argv);
}

async function connectAnew() {
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      assert.ok(Date.now() < until, error); // a node that is gone is still named as a leader
    }
  }
}

async function writeAll(call, value) {
  const acknowledged = await Promise.allSettled(
    numbers.map((number) => call("SET", `key:${number}`, value)),
  );
  return acknowledged.filter((outcome) => outcome.status === "rejected").map((o) => o.reason);
}

let call = await connect();
assert.deepEqual(await writeAll(call, "before"), []);
process.stdout.write("written\n"); // the test moves leaders, then says so
await new Promise((resume) => process.stdin.once("data", resume));
assert.deepEqual(await writeAll(call, "redirected"), []);
process.kill(Number(pid), "SIGKILL");
const until = Date.now() + 30_000;
let errors = await writeAll(call, "after");
while (errors.length > 0) {
  assert.ok(Date.now() < until, errors[0]);
  if (name === "node-redis") call = await connectAnew();
  errors = await writeAll(call, "after");
}
const values = await Promise.all(numbers.map((number) => call("GET", `key:${number}`)));
assert.deepEqual([...new Set(values)], ["after"]);
process.exit(0);
