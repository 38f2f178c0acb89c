"""What others call their series, folded to the names of ours; what has no folded name keeps its own."""

from __future__ import annotations

from collections.abc import Mapping

_ALIASES = {
    "loss": ("loss", "train_loss", "train_loss_step", "loss_step", "training_loss", "train_loss_epoch",
             "loss_epoch", "lm_loss"),
    "eval_loss": ("eval_loss", "val_loss", "valid_loss", "validation_loss", "val_loss_epoch", "test_loss"),
    "grad_norm": ("grad_norm", "gradient_norm", "norm", "gnorm", "total_norm", "global_grad_norm"),
    "learning_rate": ("learning_rate", "lr"),
    "tokens": ("num_tokens", "total_tokens", "num_input_tokens_seen", "tokens"),
    "tokens_per_s": ("tokens_per_s", "tokens_per_second", "tokens_per_sec", "tok_per_sec", "throughput",
                     "tokens_per_second_per_gpu"),
    "gpu_memory_gib": ("gpu_memory_gib", "peak_memory_active", "vram_allocated", "memory(gib)",
                       "memory/max_active_(gib)", "memory/max_mem_active(gib)", "memory/max_memory_active"),
    "perplexity": ("perplexity", "ppl", "train_perplexity", "train_ppl", "train_perplexity_step",
                   "train_perplexity_epoch"),
}  # fmt: skip
_FOLDED = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
_SPLITS = {"train": "", "training": "", "eval": "eval_", "val": "eval_", "valid": "eval_",
           "validation": "eval_", "test": "test_"}  # fmt: skip


def fold(name: str) -> str:
    """Return the name under which a series of this name is shown beside ours.

    `train/loss` is `loss`, `eval/rewards/chosen` is `eval_rewards/chosen`, `lr` is `learning_rate`; case
    and spaces count only where nothing is folded. HF's final `train_loss`, the average of a run, never
    comes here: its reader takes it for the mark of the end that it is.
    """
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    if plain in _FOLDED:
        return _FOLDED[plain]
    split, slash, rest = plain.partition("/")
    if slash and split in _SPLITS:
        prefix = _SPLITS[split]
        rest = rest.removeprefix(f"{split}_") if prefix else rest
        known = _FOLDED.get(rest, "")
        if not prefix:
            return known or name.strip().partition("/")[2]
        folded = _FOLDED.get(prefix + rest, "")
        return folded or prefix + (known or name.strip().partition("/")[2].removeprefix(f"{split}_"))
    rest, slash, split = plain.rpartition("/")
    if slash and rest and split in _SPLITS:  # `Loss/train`, `Accuracy/val`, as in PyTorch's own examples
        return fold(f"{split}/{name.strip().rpartition('/')[0]}")
    rest, line, split = plain.rpartition("_")
    if line and rest in _FOLDED and split in _SPLITS:  # `loss_train`
        return fold(f"{split}/{rest}")
    return name.strip()


MOST_NAMES = 1_000
FURTHER = "(further series)"
"""Where a run names more series than a person can look through, all further ones go under this name."""


class SeriesNames:
    """The names of one run's series: where two of its own fold to one, the first keeps the folded name."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        """`known` are the names that were given before, as `known` told them."""
        self._shown = dict(known or {})
        self._taken = set(self._shown.values())

    @property
    def known(self) -> Mapping[str, str]:
        """The names that were given, by the run's own."""
        return self._shown

    def of(self, name: str) -> str:
        """The name under which the run's series `name` is shown; the same for every call."""
        known = self._shown.get(name)
        if known is None:
            folded = fold(name)
            if len(self._shown) >= MOST_NAMES:
                return FURTHER
            known = name.strip() if folded in self._taken else folded
            while known in self._taken:
                known += " (2)"
            self._shown[name] = known
            self._taken.add(known)
        return known
