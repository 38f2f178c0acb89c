"""What is to be changed after a run went wrong, shown before it is done, and then done."""
