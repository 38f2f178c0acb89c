"""The built-in tiny base model and its data: where they lie."""
