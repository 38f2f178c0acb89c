"""What a run is: the RunSpec, its declarations, its TOML and its presets."""
