"""The guided tour: a made-up company's handbook, questions about it, and a tiny model that reads it."""
