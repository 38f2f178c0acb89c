"""The guard of a run: the detectors of `health/` on its files as they grow, with no app open."""
