"""What can be wrong with rows that can be read: one file a kind of question, none of them reads a file."""
