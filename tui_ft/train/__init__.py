"""The trainer: the torch side, only ever started as a process of its own."""
