// What an application written for Redis does, through node-redis: node client.mjs PORT RESP
import assert from "node:assert/strict";
import { createClient, WatchError } from "redis";

const [port, RESP] = process.argv.slice(2).map(Number);

function connect() {
  const client = createClient({ RESP, socket: { port, reconnectStrategy: false } });
  client.on("error", (error) => {
    console.error(error);
    process.exitCode = 1;
  });
  return client.connect();
}

const client = await connect();
const other = await connect();

assert.equal(await client.ping(), "PONG");
assert.equal(await client.flushAll(), "OK");

assert.equal(await client.set("key", "value"), "OK");
assert.equal(await client.get("key"), "value");
assert.equal(await client.get("missing"), null);
assert.equal(await client.set("key", "other", { condition: "NX" }), null);
assert.equal(await client.del(["key", "missing"]), 1);

assert.equal(await client.incr("counter"), 1);
assert.equal(await client.incrBy("counter", 41), 42);
assert.equal(await client.incrByFloat("float", 0.5), "0.5");
assert.deepEqual(await client.mGet(["counter", "missing"]), ["42", null]);

assert.equal(await client.expire("counter", 100), 1);
assert.ok((await client.ttl("counter")) > 0);
assert.equal(await client.persist("counter"), 1);
assert.equal(await client.ttl("counter"), -1);
await client.set("short", "lived", { expiration: { type: "PX", value: 20 } });
while ((await client.get("short")) !== null);

assert.deepEqual(
  await client.multi().set("a", "1").incr("a").get("a").exec(),
  ["OK", 2, "2"],
);
await client.watch("a");
await other.set("a", "changed");
await assert.rejects(client.multi().set("a", "lost").exec(), WatchError);
assert.equal(await client.get("a"), "changed");

// Commands sent in the same turn travel as one pipeline.
const numbers = await Promise.all(Array.from({ length: 1000 }, () => client.incr("pipelined")));
assert.deepEqual(numbers, Array.from({ length: 1000 }, (_, index) => index + 1));

await client.mSet(Array.from({ length: 500 }, (_, index) => [`scan:${index}`, `${index}`]));
const found = new Set();
for await (const keys of client.scanIterator({ MATCH: "scan:*", COUNT: 50 })) {
  for (const key of keys) found.add(key);
}
assert.equal(found.size, 500);

await assert.rejects(client.incr("a"), /ERR value is not an integer or out of range/);
await assert.rejects(client.sendCommand(["NOSUCH"]), /ERR unknown command 'NOSUCH'/);
assert.match(await client.info("server"), /redis_version:7\.0\.15/);
assert.equal(await client.clientSetName("node"), "OK");
assert.equal(await client.clientGetName(), "node");
await client.select(1);
assert.equal(await client.get("a"), null);

await other.close();
await client.close();
