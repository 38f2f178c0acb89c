"""What a log says of a run before it trains: its length and a few settings, where the words are certain."""

from __future__ import annotations

import re

from tui_ft.watch.reading import SettingValue

_FACTS = re.compile(
    r"(Num examples|Num Epochs|Num epochs|Total optimization steps|Total steps|Gradient Accumulation steps"
    r"|Gradient accumulation steps|Instantaneous batch size per device|Batch size per device"
    r"|Total train batch size[^=|]{0,60}|Total batch size[^=|]{0,40}|Number of trainable parameters"
    r"|Trainable parameters|Num GPUs(?: used)?)\s*=\s*([\d,]{1,20})"
)
_NAMES = {"num examples": "num_examples", "num epochs": "num_train_epochs",
          "total optimization steps": "total_steps", "total steps": "total_steps",
          "gradient accumulation steps": "gradient_accumulation_steps",
          "instantaneous batch size per device": "per_device_train_batch_size",
          "batch size per device": "per_device_train_batch_size",
          "number of trainable parameters": "trainable_parameters",
          "trainable parameters": "trainable_parameters",
          "num gpus": "gpus", "num gpus used": "gpus"}  # fmt: skip
_CHECKPOINT = re.compile(r"Saving model checkpoint to (\S{1,1000}?)[/\\]checkpoint-(\d{1,12})\b")
_LOADED = re.compile(
    r"loading (?:configuration|weights) file \S{1,200} from cache at"
    r" \S{0,500}?models--([\w.-]{1,100}?)--([\w.-]{1,100})/"
)


class LogHeader:
    """Collects settings, the length of the run, and the checkpoints that a log names."""

    def __init__(self) -> None:
        self.settings: dict[str, SettingValue] = {}
        self.total_steps: int | None = None
        self.model = ""
        self.checkpoints: set[int] = set()

    @property
    def steps_an_epoch(self) -> float | None:
        """Steps an epoch by the header's own words; None where it does not say."""
        epochs = self.settings.get("num_train_epochs")
        if self.total_steps is None or not isinstance(epochs, int) or not 0 < epochs < 1_000_000:
            return None
        return self.total_steps / epochs

    def see(self, text: str) -> int | None:
        """Take one line; return the step of a checkpoint that it says is being saved."""
        if "= " in text:
            for name, digits in _FACTS.findall(text):
                known = _NAMES.get(" ".join(name.lower().split()), "total_train_batch_size")
                value = int(digits.replace(",", "") or 0)
                if known == "total_steps":
                    self.total_steps = value or None
                else:
                    self.settings[known] = value
        elif "checkpoint" in text:
            match = _CHECKPOINT.search(text)
            if match:
                self.settings.setdefault("output_dir", match[1])
                if len(self.checkpoints) < 10_000:
                    self.checkpoints.add(int(match[2]))
                return int(match[2])
            self._see_model(text)
        return None

    def _see_model(self, text: str) -> None:
        if not self.model and "models--" in text and (match := _LOADED.search(text)):
            self.model = f"{match[1]}/{match[2]}"
