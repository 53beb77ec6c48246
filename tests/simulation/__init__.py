"""Deterministic simulation: whole replicas on virtual time, a bad network and bad disks."""
