"""Bytes to values and back: requests and replies in RESP2 and RESP3."""
