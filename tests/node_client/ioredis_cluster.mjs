// What an application written for Redis Cluster does, through ioredis: node ioredis_cluster.mjs PORT
import assert from "node:assert/strict";
import { Cluster } from "ioredis";

const [port] = process.argv.slice(2).map(Number);
const client = new Cluster([{ host: "127.0.0.1", port }], { enableAutoPipelining: true });
client.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
await new Promise((ready) => client.once("ready", ready));
assert.equal(client.nodes("master").length, 3);

// Automatic pipelining: what is called in one turn goes to each node in one piece.
const numbers = Array.from({ length: 500 }, (_, index) => index);
await Promise.all(numbers.map((number) => client.set(`key:${number}`, number)));
assert.deepEqual(
  await Promise.all(numbers.map((number) => client.get(`key:${number}`))),
  numbers.map(String),
);
assert.deepEqual(await client.pipeline().set("{tag}a", 1).incr("{tag}a").get("{tag}a").exec(), [
  [null, "OK"], [null, 2], [null, "2"],
]);
assert.deepEqual(await client.multi().incr("{tag}a").get("{tag}a").exec(), [
  [null, 3], [null, "3"],
]);
assert.deepEqual(await client.mget("{tag}a", "{tag}b"), ["3", null]);
await assert.rejects(client.mget("a", "b"), /same slot/);

const found = [];
for (const node of client.nodes("master")) {
  for await (const keys of node.scanStream({ match: "key:*", count: 50 })) found.push(...keys);
}
assert.equal(found.length, 500);
assert.equal(new Set(found).size, 500);
client.disconnect();
