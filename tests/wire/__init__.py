"""Bytes on the wire: what a client may send, and what it gets."""
