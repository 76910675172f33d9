"""The pretext tasks: which way is up, what stands in the hole, where does each tile belong."""
