"""What follows a run when nobody is there: people are told, its result is copied, the machine let go."""
