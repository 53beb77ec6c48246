"""One partition on one node: log, Raft and keyspace kept in step, driven through a Runtime."""
