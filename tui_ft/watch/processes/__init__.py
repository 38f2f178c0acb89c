"""Who trains on this box: every training process, its workers, and the files that it writes."""
