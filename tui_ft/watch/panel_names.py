"""What the panels of well-known series are called, and in which order they stand."""

from __future__ import annotations

from typing import Literal

Group = Literal["training", "hardware", "rewards", "evaluation", "other"]

TITLES: dict[str, tuple[str, ...]] = {
    "loss": ("Loss",),
    "eval_loss": ("Eval loss",),
    "grad_norm": ("Gradient norm", "Grad norm", "Grad"),
    "memory": ("Memory", "mem"),
    "learning_rate": ("Learning rate", "LR"),
    "tokens_per_s": ("Throughput, tokens/s", "Tokens/s", "tok/s"),
    "perplexity": ("Perplexity", "PPL"),
    "mean_token_accuracy": ("Token accuracy", "Accuracy", "Acc"),
    "tokens": ("Tokens seen", "Tokens"),
    "gpu_memory_gib": ("Peak GPU memory, GiB", "Peak GPU GiB"),
    "rss_gib": ("Trainer's memory, GiB", "RSS GiB"),
    "gpu_utilization": ("GPU utilisation, %", "GPU %"),
    "gpu_power_w": ("GPU power, W", "Power W"),
    "gpu_temperature_c": ("GPU temperature, °C", "GPU °C"),
    "gpu_used_gib": ("GPU memory used, GiB", "GPU GiB"),
    "rewards": ("Rewards",),
    "logps": ("Log-probabilities", "Logps"),
    "logits": ("Logits",),
    "reward_range": ("Reward", "Reward"),
}
"""Wordings by key of the panel, the longest first; every other panel is called like its series."""

FIRST = (
    "loss", "grad_norm", "memory", "learning_rate", "tokens_per_s",
    "gpu_utilization", "gpu_power_w", "gpu_temperature_c",
    "reward", "reward_range", "rewards", "rewards/margins", "rewards/accuracies", "kl",
    "mean_token_accuracy", "perplexity",
)  # fmt: skip
"""The order of the panels; those that are not named follow by name."""

TOGETHER: dict[str, tuple[str, ...]] = {
    "rewards": ("rewards/chosen", "rewards/rejected"),
    "logps": ("logps/chosen", "logps/rejected"),
    "logits": ("logits/chosen", "logits/rejected"),
    "reward_range": ("max_reward", "mean_reward", "min_reward"),
}
"""Series that say something only beside each other: one panel."""

FROM_ZERO = frozenset({"grad_norm", "tokens_per_s", "tokens", "gpu_memory_gib", "rss_gib"})
"""Panels whose axis begins at zero."""


_BOOKKEEPING = ("runtime", "per_second", "per_s", "timestamp", "timeout", "flos", "epoch", "elapsed",
                "remaining", "percentage", "global_step", "_step_time", "wall",
                "batch_id")  # fmt: skip
"""Parts of names of what is logged beside the learning."""
_WANTED = (("reward",), ("acc", "f1", "bleu", "rouge", "wer", "score", "margin"), ("kl", "entropy"))
"""Parts of names that a person looks for first, the most wanted in front."""


def is_bookkeeping(name: str) -> bool:
    """True for a series that says how long something took, or counts it."""
    return any(part in name for part in _BOOKKEEPING)


def rank_of(name: str) -> int:
    """How soon a person looks for a series, 0 first."""
    return next((at for at, parts in enumerate(_WANTED) if any(part in name for part in parts)), len(_WANTED))


def group_of(key: str) -> Group:
    """The heading under which a panel of series by step is listed."""
    if key.startswith("eval_"):
        return "evaluation"
    if key.startswith(("reward", "logps", "logits")) or key == "kl":
        return "rewards"
    return "training" if key in FIRST or key in TITLES else "other"


def titles_of(key: str, name: str) -> tuple[str, ...]:
    """The wordings of a panel; `name` is that of its series."""
    if key.startswith("eval_") and key[5:] in TITLES and key not in TITLES:
        return tuple(f"Eval {title[:1].lower()}{title[1:]}" for title in TITLES[key[5:]])
    return TITLES.get(key, (name,))


def place_of(key: str) -> tuple[int, bool, str]:
    """What panels are sorted by: the well-known first, evaluations after what they evaluate."""
    if key in FIRST:
        return FIRST.index(key), False, key
    return len(FIRST), key.startswith("eval_"), key.removeprefix("eval_")
