"""The run directory: its contract, and everything that launches, supervises, controls and lists runs."""
