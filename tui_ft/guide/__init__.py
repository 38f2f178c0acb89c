"""How should it be done: whether to fine-tune at all, which method, and why, from the estimate and the goal."""
