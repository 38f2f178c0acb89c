"""A training step on tensors without values: what it allocates, byte by byte."""
