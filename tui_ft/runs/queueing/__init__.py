"""The queue of a runs root: runs that wait, and whatever has the next one start."""
