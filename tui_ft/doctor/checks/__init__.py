"""The checks, by theme; each is a function of the box that returns what it finds."""
