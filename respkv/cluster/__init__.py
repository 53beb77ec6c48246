"""The cluster as a pure function of its members: ring, placement, slots, forming; sans-io."""
