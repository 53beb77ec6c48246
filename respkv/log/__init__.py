"""The durable log of a node: segments, batches and records, and snapshots."""
