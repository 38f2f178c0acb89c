"""How a run is going: sources of curves, series, scales, and the monitor that polls them."""
