"""What applications do with each data type through redis-py, on one node and on three.

Keys of one call share a hash tag where the call takes several, as an application for Redis Cluster
writes them. The blocking calls find their data or run out of time; that they wake up is shown with
the asyncio client.
"""

import asyncio
from typing import Any

import pytest
import redis
from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster

from tests.applications.stream_replies import ids_of
from tests.patience import PATIENCE_SECONDS, wait_until


def test_a_session_store_on_strings_with_expiry(client: Any) -> None:
    assert client.set("session:1", "anna", ex=60)
    assert 0 < client.ttl("session:1") <= 60
    assert client.set("session:1", "ben", nx=True) is None
    assert client.set("session:1", "cleo", xx=True, keepttl=True, get=True) == "anna"
    assert 0 < client.pttl("session:1") <= 60_000
    assert client.getex("session:1", persist=True) == "cleo"
    assert client.ttl("session:1") == -1
    assert client.expire("session:1", 100, nx=True) == 1
    assert client.expire("session:1", 50, gt=True) == 0
    assert client.expireat("session:1", 4_102_444_800)
    assert client.expiretime("session:1") == 4_102_444_800
    assert client.set("gone", "x", px=1)
    wait_until(lambda: not client.exists("gone"))
    assert client.ttl("gone") == -2
    assert client.getdel("session:1") == "cleo"
    assert client.get("session:1") is None


def test_counters_and_texts(client: Any) -> None:
    assert client.incr("visits") == 1
    assert client.incrby("visits", 41) == 42
    assert client.decr("visits", 2) == 40
    assert client.incrbyfloat("weight", 0.1) == pytest.approx(0.1)
    assert client.append("text", "bread") == 5
    assert client.append("text", " and milk") == 14
    assert client.setrange("text", 10, "fish") == 14
    assert client.getrange("text", 6, -1) == "and fish"
    assert client.strlen("text") == 14
    assert client.mset({"{car}a": "1", "{car}b": "2"})
    assert client.mget("{car}a", "{car}b", "{car}c") == ["1", "2", None]
    assert client.copy("{car}a", "{car}d")
    assert client.rename("{car}d", "{car}e")
    assert sorted(client.scan_iter(match="{car}*", count=2)) == ["{car}a", "{car}b", "{car}e"]
    assert client.type("text") == "string"
    assert client.unlink("{car}a", "{car}b", "{car}e") == 3
    assert client.exists("{car}a") == 0


def test_values_of_any_bytes_are_dumped_and_restored(client: Any) -> None:
    raw = bytes(range(256))
    client.hset("{any}hash", mapping={"field": raw})
    with pytest.raises(UnicodeDecodeError):
        client.hget("{any}hash", "field")
    assert client.hstrlen("{any}hash", "field") == 256
    payload = client.execute_command("DUMP", "{any}hash", NEVER_DECODE=True)
    assert client.restore("{any}copy", 0, payload) == "OK"
    assert client.hstrlen("{any}copy", "field") == 256
    with pytest.raises(redis.ResponseError, match="BUSYKEY"):
        client.restore("{any}copy", 0, payload)
    assert client.restore("{any}copy", 60_000, payload, replace=True) == "OK"


def test_a_parcel_kept_as_a_hash(client: Any) -> None:
    parcel = {"to": "Oslo", "by": "rail", "grams": 1250}
    assert client.hset("parcel:7", mapping=parcel) == 3
    assert client.hget("parcel:7", "to") == "Oslo"
    assert client.hgetall("parcel:7") == {"to": "Oslo", "by": "rail", "grams": "1250"}
    assert client.hmget("parcel:7", ["to", "grams", "none"]) == ["Oslo", "1250", None]
    assert client.hincrby("parcel:7", "grams", 100) == 1350
    assert client.hincrbyfloat("parcel:7", "fee", 7.5) == 7.5
    assert client.hsetnx("parcel:7", "to", "other") == 0
    assert client.hexists("parcel:7", "by")
    assert client.hlen("parcel:7") == 4
    assert sorted(client.hkeys("parcel:7")) == ["by", "fee", "grams", "to"]
    assert sorted(client.hvals("parcel:7")) == ["1350", "7.5", "Oslo", "rail"]
    assert client.hdel("parcel:7", "fee", "none") == 1
    assert dict(client.hscan_iter("parcel:7", match="*r*")) == {"grams": "1350"}
    field = client.hrandfield("parcel:7")
    assert client.hexists("parcel:7", field)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.lpush("parcel:7", "x")


def test_a_job_queue_on_lists(client: Any) -> None:
    assert client.rpush("{jobs}waiting", "a", "b", "c", "d") == 4
    assert client.lmove("{jobs}waiting", "{jobs}running", "LEFT", "RIGHT") == "a"
    assert client.blmove("{jobs}waiting", "{jobs}running", 1, "LEFT", "RIGHT") == "b"
    assert client.rpoplpush("{jobs}waiting", "{jobs}running") == "d"
    assert client.lrange("{jobs}running", 0, -1) == ["d", "a", "b"]
    assert client.lrem("{jobs}running", 1, "a") == 1
    assert client.blpop(["{jobs}urgent", "{jobs}waiting"], timeout=1) is not None
    assert client.brpop("{jobs}waiting", timeout=0.01) is None
    assert client.rpush("log", *range(10)) == 10
    assert client.ltrim("log", 5, -1)
    assert client.lindex("log", 0) == "5"
    assert client.lset("log", 0, "five")
    assert client.linsert("log", "AFTER", "five", "5.5") == 6
    assert client.lpos("log", "7") == 3
    assert client.lpop("log", 2) == ["five", "5.5"]
    assert client.rpop("log", 9) == ["9", "8", "7", "6"]
    assert client.llen("log") == 0
    assert client.lpushx("log", "x") == 0
    client.rpush("{jobs}m", "x", "y")
    assert client.lmpop(2, "{jobs}none", "{jobs}m", direction="LEFT", count=5) == [
        "{jobs}m", ["x", "y"],
    ]  # fmt: skip


def test_who_knows_whom_on_sets(client: Any) -> None:
    assert client.sadd("{who}anna", "ben", "cleo", "dora") == 3
    assert client.sadd("{who}ben", "cleo", "dora", "emil") == 3
    assert client.sinter("{who}anna", "{who}ben") == {"cleo", "dora"}
    assert client.sunion("{who}anna", "{who}ben") == {"ben", "cleo", "dora", "emil"}
    assert client.sdiff("{who}anna", "{who}ben") == {"ben"}
    assert client.sintercard(2, ["{who}anna", "{who}ben"], limit=1) == 1
    assert client.sinterstore("{who}both", "{who}anna", "{who}ben") == 2
    assert client.smembers("{who}both") == {"cleo", "dora"}
    assert client.sismember("{who}anna", "ben") == 1
    assert client.smismember("{who}anna", ["ben", "emil"]) == [1, 0]
    assert client.smove("{who}anna", "{who}ben", "ben")
    assert client.scard("{who}ben") == 4
    assert client.srandmember("{who}ben") in {"ben", "cleo", "dora", "emil"}
    assert set(client.sscan_iter("{who}ben", match="?e*")) == {"ben"}
    popped = client.spop("{who}ben", 3)
    assert len(popped) == 3
    assert client.srem("{who}ben", *popped) == 0
    assert client.scard("{who}ben") == 1


def test_a_leaderboard_on_a_sorted_set(client: Any) -> None:
    players = {"Ines": 7, "Milan": 9, "Jonas": 7, "Dana": 3, "Quinn": 15}
    assert client.zadd("{quiz}1", players) == 5
    assert client.zrange("{quiz}1", 0, -1) == ["Dana", "Ines", "Jonas", "Milan", "Quinn"]
    assert client.zrevrange("{quiz}1", 0, 0) == ["Quinn"]
    assert [name for name, _ in client.zrange("{quiz}1", 0, 1, withscores=True)] == [
        "Dana", "Ines",
    ]  # fmt: skip
    assert client.zrangebyscore("{quiz}1", "-inf", 7) == ["Dana", "Ines", "Jonas"]
    assert client.zrange("{quiz}1", 7, "(15", byscore=True, offset=1, num=2) == [
        "Jonas", "Milan",
    ]  # fmt: skip
    assert client.zrank("{quiz}1", "Ines") == 1
    assert client.zrevrank("{quiz}1", "Ines") == 3
    assert client.zincrby("{quiz}1", 50, "Ines") == 57
    assert client.zadd("{quiz}1", {"Ines": 1}, gt=True) == 0
    assert client.zscore("{quiz}1", "Ines") == 57
    assert client.zmscore("{quiz}1", ["Dana", "none"]) == [3, None]
    assert client.zcount("{quiz}1", 7, 20) == 3
    assert client.zadd("{quiz}2", {"Dana": 1, "Jonas": 2, "Anna": 3}) == 3
    assert client.zunionstore("{quiz}all", {"{quiz}1": 1, "{quiz}2": 10}) == 6
    assert client.zscore("{quiz}all", "Jonas") == 27
    assert client.zinter(["{quiz}1", "{quiz}2"]) == ["Dana", "Jonas"]
    assert client.zdiff(["{quiz}2", "{quiz}1"]) == ["Anna"]
    assert client.zrangestore("{quiz}top", "{quiz}all", 0, 1, desc=True) == 2
    assert client.zpopmax("{quiz}all")[0] in ("Ines", ("Ines", 57.0))
    assert client.bzpopmin("{quiz}2", timeout=1)[1] == "Dana"
    assert client.bzpopmax("{quiz}none", timeout=0.01) is None
    assert client.zremrangebyscore("{quiz}1", "-inf", 7) == 2
    assert client.zrem("{quiz}1", "Ines", "none") == 1
    assert client.zadd("words", dict.fromkeys(["add", "app", "apple", "bear"], 0)) == 4
    assert client.zrangebylex("words", "[app", "[app\xff") == ["app", "apple"]
    assert client.zlexcount("words", "[a", "(b") == 3
    assert len(list(client.zscan_iter("words"))) == 4


def test_days_seen_on_bitmaps(client: Any) -> None:
    for user in (1, 5, 9, 1_000):
        assert client.setbit("{seen}monday", user, 1) == 0
    for user in (5, 9, 11):
        client.setbit("{seen}tuesday", user, 1)
    assert client.getbit("{seen}monday", 5) == 1
    assert client.bitcount("{seen}monday") == 4
    assert client.bitcount("{seen}monday", 0, 8, mode="BIT") == 2
    assert client.bitop("AND", "{seen}both", "{seen}monday", "{seen}tuesday") == 126
    assert client.bitcount("{seen}both") == 2
    assert client.bitpos("{seen}monday", 1) == 1
    assert client.bitpos("{seen}tuesday", 0) == 0
    fields = client.bitfield("{seen}counters", default_overflow="SAT")
    assert fields.set("u8", "#0", 250).incrby("u8", "#0", 10).get("u4", 0).execute() == [0, 255, 15]


def test_visitors_counted_by_hyperloglog(client: Any) -> None:
    assert client.pfadd("{visitors}a", *range(1_000)) == 1
    assert client.pfadd("{visitors}b", *range(500, 1_500)) == 1
    assert abs(client.pfcount("{visitors}a") - 1_000) < 30
    assert abs(client.pfcount("{visitors}a", "{visitors}b") - 1_500) < 45
    assert client.pfmerge("{visitors}all", "{visitors}a", "{visitors}b")
    assert client.pfcount("{visitors}all") == client.pfcount("{visitors}a", "{visitors}b")


def test_stations_near_a_place(client: Any) -> None:
    stations = (11.5580, 48.1402, "s1", 11.5754, 48.1374, "s2",
                11.6042, 48.1277, "s3")  # fmt: skip
    assert client.geoadd("{trams}at", stations) == 3
    near = {"longitude": 11.5700, "latitude": 48.1450, "unit": "km"}
    assert client.geosearch("{trams}at", radius=5, sort="ASC", **near) == ["s2", "s1", "s3"]
    ((name, distance, _),) = client.geosearch(
        "{trams}at", radius=1, withdist=True, withcoord=True, **near
    )
    assert (name, distance) == ("s2", pytest.approx(0.9354, abs=0.0001))
    box = {"member": "s1", "width": 3, "height": 2, "unit": "km"}
    assert sorted(client.geosearch("{trams}at", **box)) == ["s1", "s2"]
    assert float(client.geodist("{trams}at", "s1", "s3", unit="km")) == pytest.approx(
        3.70, abs=0.01
    )
    assert client.geohash("{trams}at", "s1") == ["u281z58kbz0"]
    longitude, latitude = client.geopos("{trams}at", "s1")[0]
    assert (longitude, latitude) == (pytest.approx(11.5580), pytest.approx(48.1402))
    assert client.geosearchstore("{trams}near", "{trams}at", radius=1, storedist=True, **near) == 1


def test_readings_in_a_stream_with_a_consumer_group(client: Any) -> None:
    ids = [client.xadd("attic", {"probe": name, "degrees": n}) for n, name in enumerate("abcde")]
    assert client.xlen("attic") == 5
    assert [id_ for id_, _ in client.xrange("attic", min=ids[1], max=ids[3])] == ids[1:4]
    assert client.xrevrange("attic", count=1) == [(ids[4], {"probe": "e", "degrees": "4"})]
    assert ids_of(client.xread({"attic": ids[2]}, count=10)) == ids[3:]
    assert not client.xread({"attic": "$"}, block=1)

    assert client.xgroup_create("attic", "alarms", id="0")
    with pytest.raises(redis.ResponseError, match="BUSYGROUP"):
        client.xgroup_create("attic", "alarms")
    assert ids_of(client.xreadgroup("alarms", "mara", {"attic": ">"}, count=2)) == ids[:2]
    assert (
        ids_of(client.xreadgroup("alarms", "theo", {"attic": ">"}, count=2, block=10)) == ids[2:4]
    )
    assert client.xack("attic", "alarms", ids[0]) == 1
    assert ids_of(client.xreadgroup("alarms", "mara", {"attic": "0"})) == ids[1:2]
    pending = client.xpending("attic", "alarms")
    assert (pending["pending"], pending["min"], pending["max"]) == (3, ids[1], ids[3])
    listed = client.xpending_range("attic", "alarms", "-", "+", 10, consumername="theo")
    assert [(entry["message_id"], entry["times_delivered"]) for entry in listed] == [
        (ids[2], 1), (ids[3], 1),
    ]  # fmt: skip
    assert client.xclaim("attic", "alarms", "mara", 0, [ids[2]], justid=True) == [ids[2]]
    cursor, claimed, deleted = client.xautoclaim("attic", "alarms", "mara", 0, count=10)
    assert (cursor, [id_ for id_, _ in claimed], deleted) == ("0-0", ids[1:4], [])
    assert client.xack("attic", "alarms", *ids[:4]) == 3

    (group,) = client.xinfo_groups("attic")
    assert (group["pending"], group["lag"], group["last-delivered-id"]) == (0, 1, ids[3])
    assert sorted(c["name"] for c in client.xinfo_consumers("attic", "alarms")) == ["mara", "theo"]
    assert client.xinfo_stream("attic")["length"] == 5
    assert client.xtrim("attic", maxlen=2, approximate=False) == 3
    assert client.xdel("attic", ids[4]) == 1
    assert client.xgroup_delconsumer("attic", "alarms", "theo") == 0
    assert client.xgroup_destroy("attic", "alarms")


def test_pipelines_and_transactions(client: Any) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(100):
            pipe.set(f"seat:{number}", number)
        pipe.get("seat:7").lpush("seat:8", "x")
        *stored, seven, refused = pipe.execute(raise_on_error=False)
    assert stored == [True] * 100
    assert seven == "7"
    assert isinstance(refused, redis.ResponseError)

    with client.pipeline(transaction=True) as pipe:
        replies = pipe.set("{t}a", 1).incr("{t}a").hset("{t}h", "f", "v").get("{t}a").execute()
    assert replies in ([True, 2, 1, "2"], ["OK", 2, 1, "2"])


def test_a_balance_changed_under_watch(client: Any) -> None:
    client.set("{account}a", 100)
    meddled = False

    def withdraw(pipe: Any) -> int:
        nonlocal meddled
        balance = int(pipe.get("{account}a"))
        if not meddled:  # somebody else is quicker, once
            meddled = True
            client.decrby("{account}a", 30)
        pipe.multi()
        pipe.set("{account}a", balance - 50)
        pipe.incrby("{account}b", 50)
        return balance

    assert client.transaction(withdraw, "{account}a", value_from_callable=True) == 70
    assert client.mget("{account}a", "{account}b") == ["20", "50"]

    with client.pipeline(transaction=True) as pipe:
        pipe.watch("{account}a")
        assert pipe.get("{account}a") == "20"
        client.set("{account}a", 0)
        pipe.multi()
        pipe.set("{account}a", 1_000_000)
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert client.get("{account}a") == "0"


def test_a_sorted_list(client: Any) -> None:
    client.rpush("{sort}ids", 3, 1, 2)
    assert client.sort("{sort}ids", desc=True) == ["3", "2", "1"]
    assert client.sort("{sort}ids", store="{sort}sorted") == 3
    assert client.lrange("{sort}sorted", 0, -1) == ["1", "2", "3"]


async def test_asyncio_many_calls_at_once(async_client: Any) -> None:
    replies = await asyncio.gather(*(async_client.incr("{n}counter") for _ in range(50)))
    assert sorted(replies) == list(range(1, 51))
    async with async_client.pipeline(transaction=True) as pipe:
        pipe.set("{n}a", "1").get("{n}a").incr("{n}a")
        assert await pipe.execute() == [True, "1", 2]
    await asyncio.gather(*(async_client.set(f"many:{n}", n) for n in range(50)))
    found = [key async for key in async_client.scan_iter(match="many:*", count=7)]
    assert sorted(found) == sorted(f"many:{n}" for n in range(50))


async def test_asyncio_consumers_wait_for_their_producers(async_client: Any) -> None:
    waiting = await blocked_clients(async_client)
    popped = asyncio.create_task(async_client.blpop("{wait}list", timeout=0))
    lowest = asyncio.create_task(async_client.bzpopmin("{wait}zset", timeout=0))
    moved = asyncio.create_task(async_client.blmove("{wait}a", "{wait}b", 0))
    read = asyncio.create_task(async_client.xread({"{wait}stream": "$"}, block=0))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await blocked_clients(async_client) < waiting + 4:
            await asyncio.sleep(0)
    await async_client.rpush("{wait}list", "first", "second")
    await async_client.zadd("{wait}zset", {"m": 1})
    await async_client.rpush("{wait}a", "x")
    entry = await async_client.xadd("{wait}stream", {"f": "v"})
    assert list(await popped) == ["{wait}list", "first"]
    assert list(await lowest) == ["{wait}zset", "m", 1.0]
    assert await moved == "x"
    assert ids_of(await read) == [entry]


async def blocked_clients(client: Any) -> int:
    """Return how many connections wait, on all nodes."""
    if isinstance(client, AsyncRedisCluster):
        nodes = (await client.info("clients", target_nodes="all")).values()
    else:
        nodes = [await client.info("clients")]
    return sum(node["blocked_clients"] for node in nodes)


def test_a_lock_and_a_script(client: Any) -> None:
    with client.lock("{lock}", timeout=30) as lock:
        assert lock.locked()
        assert not client.lock("{lock}", timeout=30).acquire(blocking=False)
        assert lock.extend(60)
        assert lock.reacquire()
    assert not client.exists("{lock}")
    text = "redis.call('rpush', KEYS[1], unpack(ARGV)) return redis.call('lrange', KEYS[1], 0, -1)"
    append = client.register_script(text)
    assert append(["{script}list"], ["a", "b"]) == ["a", "b"]
    assert client.evalsha(append.sha, 1, "{script}list", "c") == ["a", "b", "c"]
    assert client.script_exists(append.sha) == [True]
