"""One file for each format that a run's curves can be read from."""
