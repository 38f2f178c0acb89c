"""What a run learns from: reading a data set, recognising its format, converting it, and its loss mask."""
