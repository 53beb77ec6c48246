"""respkv: a Redis Cluster you can pip install, that never loses a write it acknowledged."""

__version__ = "0.1.0"
