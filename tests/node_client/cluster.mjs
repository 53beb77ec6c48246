// What an application written for Redis Cluster does, through node-redis: node cluster.mjs PORT RESP
import assert from "node:assert/strict";
import { createCluster } from "redis";

const [port, RESP] = process.argv.slice(2).map(Number);
const client = createCluster({ RESP, rootNodes: [{ socket: { host: "127.0.0.1", port } }] });
client.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
await client.connect();
assert.equal(client.masters.length, 3);

const numbers = Array.from({ length: 500 }, (_, index) => index);
await Promise.all(numbers.map((number) => client.set(`key:${number}`, `${number}`)));
assert.deepEqual(
  await Promise.all(numbers.map((number) => client.get(`key:${number}`))),
  numbers.map(String),
);
assert.deepEqual(await client.mGet(["{tag}a", "{tag}b"]), [null, null]);
assert.deepEqual(
  await client.multi().set("{tag}a", "1").incr("{tag}a").get("{tag}a").exec(),
  ["OK", 2, "2"],
);
await assert.rejects(client.mGet(["a", "b"]), /CROSSSLOT/);

const found = [];
for (const master of client.masters) {
  const node = await client.nodeClient(master);
  for await (const keys of node.scanIterator({ MATCH: "key:*", COUNT: 50 })) found.push(...keys);
}
assert.equal(found.length, 500);
assert.equal(new Set(found).size, 500);
await client.close();
