"""Is it well: pure detectors over rows and events, with evidence and a fix; no files, no processes."""
