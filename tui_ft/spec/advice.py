"""Advice on each field of a spec: when to change it, its usual band as numbers, and what lies outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tui_ft.spec.display import number_text
from tui_ft.spec.learning import MethodKind, ObjectiveKind
from tui_ft.spec.resolve import METHOD_KEYS, resolve
from tui_ft.spec.run_spec import RunSpec


class Band(NamedTuple):
    """Where a value usually lies, both ends included, and what happens `below` and `above` it."""

    low: float
    high: float
    below: str = ""
    above: str = ""

    @property
    def text(self) -> str:
        """The band as people write it: `1e-4 to 3e-4`."""
        low, high = number_text(self.low), number_text(self.high)
        return low if low == high else f"{low} to {high}"


class Advice(NamedTuple):
    """`change` says when to move a field; `rank` orders the fields that matter most, 0: not one of them."""

    change: str
    band: Band | None = None
    rank: int = 0


_UNDERFITS = "it may learn little"

ADVICE: Mapping[str, Advice] = {
    "model.id": Advice("the answers stay poor, or it does not fit"),
    "model.revision": Advice("the run must be repeatable: a commit"),
    "model.dtype": Advice("full does not fit: bfloat16, which loses small updates"),
    "model.attention": Advice("its package is installed and rows are long: flash_attention_2"),
    "model.trust_remote_code": Advice("the model says that it needs it, and you have read its code"),
    "model.adapter": Advice("an adapter that exists is to be trained further"),
    "data.train": Advice("the model learns something else than you want"),
    "data.eval": Advice("you have rows that must never be trained on"),
    "data.eval_fraction": Advice(
        "below 1,000 rows: more, so that the evaluation means something",
        Band(0.02, 0.1, "the evaluation rests on few rows", "rows are kept from training"),
    ),
    "data.limit": Advice("only the pipe is to be tried: some 50"),
    "data.format": Advice("the check found another format than you know it has"),
    "data.columns": Advice("the check took the wrong columns"),
    "data.max_length": Advice(
        "more than 1 % of the rows are cut: longer",
        Band(512, 4096, "long rows lose their end", "memory grows with it; no row may be that long"),
        rank=4,
    ),
    "data.packing": Advice("mean length below half of the longest: on", rank=13),
    "data.train_on": Advice("every answer of a chat is to be learnt: assistant"),
    "data.seed": Advice("another split of the rows is wanted"),
    "method.kind": Advice("it does not fit, or LoRA does not learn enough: see the Method step"),
    "method.rank": Advice(
        "underfits: double; overfits: halve",
        Band(8, 64, _UNDERFITS, "it overfits sooner, and takes memory"),
        rank=7,
    ),
    "method.alpha": Advice("keep the ratio when the rank moves", rank=8),
    "method.dropout": Advice(
        "overfits: 0.05, then 0.1", Band(0, 0.1, above="it learns slowly"), rank=10
    ),
    "method.targets": Advice("does not learn: check the names against the model", rank=9),
    "method.variant": Advice("rank 64 and more: rslora; low rank and time to spare: dora"),
    "method.layers": Advice(
        "underfits: more", Band(1, 8, above="it nears full fine-tuning in memory"), rank=7
    ),
    "method.quantization": Advice("poor answers: LoRA in 16 bit first"),
    "method.double_quantization": Advice("hardly ever: off saves a little time"),
    "method.virtual_tokens": Advice(
        "underfits: 50", Band(8, 100, _UNDERFITS, "it takes room from the context"), rank=7
    ),
    "objective.kind": Advice("the data are preferences or ratings, not answers"),
    "objective.beta": Advice(
        "too timid: lower", Band(0.01, 0.5, "it drifts from its reference", "it hardly moves"), rank=11
    ),
    "objective.teacher": Advice("another model answers better"),
    "objective.reward_model": Advice("it rewards the wrong answers"),
    "objective.reward_function": Advice("it rewards the wrong answers"),
    "training.learning_rate": Advice("spikes: halve; flat: three times", rank=1),
    "training.schedule": Advice("very short runs: constant"),
    "training.warmup": Advice(
        "early spikes: 0.1",
        Band(0.03, 0.1, "the first steps may spike", "much of the run is warm-up"),
        rank=12,
    ),
    "training.epochs": Advice(
        "evaluation loss rises: fewer",
        Band(1, 3, "rows are left out", "it learns the rows by heart"),
        rank=2,
    ),
    "training.max_steps": Advice("a run of a fixed length is wanted"),
    "training.batch_size": Advice(
        "out of memory: halve, and double the accumulation",
        Band(1, 16, above="memory grows with it"),
        rank=5,
    ),
    "training.gradient_accumulation": Advice("keep the product; LoRA below 32", rank=6),
    "training.optimizer": Advice("out of memory, not slowness: 8-bit", rank=14),
    "training.weight_decay": Advice("overfits: 0.01 to 0.1", Band(0, 0.1, above="it forgets what it learns")),
    "training.max_grad_norm": Advice(
        "spikes: 0.3", Band(0.3, 1, "it learns slowly; 0 is never", "spikes go through")
    ),
    "training.gradient_checkpointing": Advice("fits easily: off", rank=15),
    "training.precision": Advice("NaN in fp16: bf16, or fp32"),
    "training.neftune_alpha": Advice(
        "small chat sets: try 5", Band(5, 15, "it does little", "noise drowns the rows")
    ),
    "training.dataloader_workers": Advice(
        "the GPU waits for rows: more", Band(0, 8, above="they need memory")
    ),
    "training.seed": Advice("the same run once more, to see what is chance"),
    "evaluation.every_steps": Advice("you want to see it oftener, or it takes too long"),
    "evaluation.every_epochs": Advice(
        "short runs: oftener", Band(0.05, 1, "most of the time goes into it", "too late to see overfitting")
    ),
    "evaluation.probe": Advice("old skills must not be lost: rows of another kind, such as general chat"),
    "evaluation.metrics": Advice("loss does not say whether answers are right"),
    "evaluation.prompts": Advice("you want to read your own questions answered before and after"),
    "checkpoints.every_steps": Advice("you want checkpoints at certain steps"),
    "checkpoints.every_minutes": Advice(
        "a machine that may be taken away: shorter",
        Band(5, 30, "saving takes a share of the time", "so much work is lost with the machine"),
    ),
    "checkpoints.keep": Advice("the disk is small: 1", Band(1, 5, above="each takes disk")),
    "checkpoints.keep_gib": Advice("the disk is small, the model is not", Band(1, 10_000)),
    "checkpoints.hours_between_failures": Advice(
        "a machine that may be taken away: its usual life",
        Band(1, 1000, "most of the time goes into saving", "too much is lost when it fails"),
    ),
    "checkpoints.auto_resume": Advice("the machine may be taken away, and starts with the same command"),
    "hardware.gpus": Advice("a certain GPU is wanted"),
    "hardware.strategy": Advice("one GPU does not hold it"),
    "hardware.memory_fraction": Advice(
        "others need the rest of the GPU",
        Band(0.5, 0.95, "it may run out of memory", "others get hardly any"),
    ),
    "hardware.nodes": Advice("one machine is not enough"),
    "hardware.node_rank": Advice("on each further machine: its number"),
    "hardware.rendezvous": Advice("there are several machines"),
    "tracking.report_to": Advice("others follow the run elsewhere"),
    "after.notify": Advice("you want to be told when it ends"),
    "health.silence": Advice("you know why, and do not want to hear it again"),
    "health.stop_on": Advice("such a run is worth nothing to you"),
    "after.copy_to": Advice("the machine goes away after the run"),
    "after.hook": Advice("something is to happen when it ends"),
    "after.idle_minutes": Advice("the machine may be used again soon"),
    "after.budget": Advice("it must not cost more"),
    "notes.name": Advice("you want to know it again in the list", rank=16),
    "notes.tags": Advice("you want to find it again"),
    "notes.text": Advice("there is something to remember"),
}  # fmt: skip
"""Facts: domain, d, from the student notes, the comprehensive guide, TRL's and QLoRA's own settings."""

_RATES: Mapping[MethodKind, tuple[float, float]] = {
    "full": (5e-6, 5e-5), "last_layers": (5e-6, 5e-5), "lora": (1e-4, 3e-4), "adalora": (1e-4, 3e-4),
    "prefix": (1e-3, 3e-2), "prompt": (1e-2, 3e-2), "p_tuning": (1e-3, 3e-2), "ia3": (1e-3, 1e-2),
    "adapter": (5e-5, 3e-4),
}  # fmt: skip
_RATES_OF_OBJECTIVE: Mapping[ObjectiveKind, tuple[float, float]] = {
    "dpo": (5e-7, 1e-5), "kto": (5e-7, 1e-5), "orpo": (5e-7, 1e-5), "rloo": (1e-6, 3e-5),
    "grpo": (1e-6, 3e-5), "reward": (1e-5, 3e-4),
}  # fmt: skip

_LARGEST_BATCH: Mapping[bool, int] = {True: 256, False: 32}
"""Effective batch that is usual at the most, for full fine-tuning and for the rest."""


def band_of(spec: RunSpec, path: str) -> Band | None:
    """Where the value of a field usually lies in `spec`; None for a field without such a band.

    Some depend on others: the learning rate on method and objective, alpha on the rank, the accumulation
    on the batch.
    """
    spec = resolve(spec)
    training = spec.training
    if path == "training.learning_rate":
        low, high = _RATES_OF_OBJECTIVE.get(spec.objective.kind) or _RATES[spec.method.kind]
        return Band(low, high, "it learns little in the time", "the loss may spike or not come down")
    if path == "method.alpha" and spec.method.rank and "alpha" in METHOD_KEYS[spec.method.kind]:
        return Band(
            spec.method.rank, 2 * spec.method.rank, "the adapter counts little", "as a larger learning rate"
        )
    if path == "training.gradient_accumulation":
        most = _LARGEST_BATCH[spec.method.kind == "full"]
        high = max(most // training.batch_size, 1)
        low = min(-(-4 // training.batch_size), high)
        return Band(
            low, high, "fewer than 4 rows a step: noisy", f"more than {most} rows a step learn less from each"
        )
    if path == "training.warmup" and training.warmup >= 1:
        return None  # steps, not a share
    advice = ADVICE.get(path)
    return advice.band if advice else None


_ODD: Mapping[tuple[str, object], str] = {
    ("model.trust_remote_code", True): "runs Python code that came with the model",
    ("model.attention", "eager"): "slower, and takes more memory than sdpa",
    ("data.train_on", "all"): "learns to write the prompts, too",
    ("training.optimizer", "sgd"): "hardly learns a language model",
    ("training.precision", "fp16"): "may overflow to NaN where bf16 does not",
    ("training.precision", "fp32"): "slow, and takes twice the memory for activations",
}
"""Choices that are right seldom enough to be pointed at."""


def outside(spec: RunSpec, path: str, value: object) -> str:
    """Why `value` is not a usual one, in a few words; "" for one within its band or without any."""
    if path == "model.dtype" and value == "bfloat16" and spec.method.kind == "full":
        return "small updates are lost"
    if isinstance(value, (bool, str)):
        return _ODD.get((path, value), "")
    if not isinstance(value, (int, float)):
        return ""
    band = band_of(spec, path)
    if band is None or band.low <= value <= band.high:
        return ""
    is_below = value < band.low
    reason = band.below if is_below else band.above
    said = f"{'below' if is_below else 'above'} the usual {band.text}"
    return f"{said}: {reason}" if reason else said
