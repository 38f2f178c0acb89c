"""Is the box sound: findings about the machine and its settings, each with its fix as a command."""
