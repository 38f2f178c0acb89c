"""What the known model families are made of, as rows of text; see `layout` for how a row reads."""
