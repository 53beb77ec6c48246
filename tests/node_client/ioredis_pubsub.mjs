// Messages through ioredis, one server or a cluster: node ioredis_pubsub.mjs server|cluster PORT
import assert from "node:assert/strict";
import { once } from "node:events";
import { Cluster, Redis } from "ioredis";

const [kind, port] = process.argv.slice(2);
const connect = (options) =>
  kind === "server"
    ? new Redis(Number(port))
    : new Cluster([{ host: "127.0.0.1", port: Number(port) }], options);
const listener = connect();
const sender = connect();

await listener.subscribe("news", "other");
await listener.psubscribe("n*");
const heard = Promise.all([once(listener, "message"), once(listener, "pmessage")]);
await sender.set("told", "yes");
await sender.publish("news", "hello");
assert.deepEqual(await heard, [["news", "hello"], ["n*", "news", "hello"]]);
assert.equal(await sender.get("told"), "yes");
await listener.unsubscribe("news", "other");
await listener.punsubscribe("n*");

const sharded = kind === "server" ? listener : connect({ shardedSubscribers: true });
await sharded.ssubscribe("shard");
const told = once(sharded, "smessage");
assert.equal(await sender.spublish("shard", "here"), 1);
assert.deepEqual((await told).slice(0, 2), ["shard", "here"]);
await sharded.sunsubscribe("shard");
for (const client of [listener, sender, sharded]) client.disconnect();
