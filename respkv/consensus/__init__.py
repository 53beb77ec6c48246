"""Raft, sans-io: `step`, `tick` and `propose` go in, `ready` comes out."""
