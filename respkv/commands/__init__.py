"""What each command means: one declaration each, pure functions of (keyspace, argv)."""
