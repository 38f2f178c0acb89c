"""The wizard without its screens: the answers, their order, and what the screens ask of the rooms below."""
