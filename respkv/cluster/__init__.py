<<<<<<< HEAD
"""The cluster as a pure function of its members: ring, placement, slots, forming; sans-io."""
=======
"""What a cluster is: which node leads which slots, and what clients are told of it (sans-io)."""
>>>>>>> h_view
