"""How should it be done: whether to fine-tune at all, which method, and why, in numbers."""
