"""Raft's rules, one by one, on a group whose every message and sync is moved by hand."""
