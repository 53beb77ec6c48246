"""What a cluster is: its ring, its genesis, who leads which slots, what clients are told (sans-io)."""
