"""What runs cost: the time that they hold a machine, at the price of an hour of it."""
