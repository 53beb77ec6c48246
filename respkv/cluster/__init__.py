"""What a cluster is: which node leads which slots, and what clients are told of it (sans-io)."""
