"""tui-ft: decide, launch and watch the fine-tuning of a language model, in a terminal."""

__version__ = "0.1.0"
