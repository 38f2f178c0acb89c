"""A spec of ours from the settings of another tool's run, as far as they are known and mean the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tui_ft.errors import TuiFtError
from tui_ft.spec import overrides
from tui_ft.spec.errors import SpecError
from tui_ft.spec.run_spec import RunSpec
from tui_ft.watch.reading import Reading, SettingValue
from tui_ft.watch.setting_names import by_spec_names

_SIMPLE = (
    "model.revision", "data.max_length", "data.packing", "training.learning_rate",
    "training.warmup", "training.epochs", "training.max_steps", "training.batch_size",
    "training.gradient_accumulation", "training.weight_decay", "training.max_grad_norm",
    "training.gradient_checkpointing", "training.neftune_alpha", "training.dataloader_workers",
    "training.seed", "evaluation.every_steps", "checkpoints.every_steps", "checkpoints.keep",
)  # fmt: skip
"""Fields that mean the same everywhere. Not the data: a preset asks for its own."""
_OF_LORA = ("method.rank", "method.alpha", "method.dropout")
_OPTIMIZERS = {
    "adamw": "adamw_torch", "adamw_hf": "adamw_torch", "adamw_8bit": "adamw_bnb_8bit",
    "paged_adamw": "paged_adamw_32bit",
}  # fmt: skip
_METHOD_NAMES = ("method.kind", "finetuning_type", "adapter")
_METHODS = {"lora": "lora", "qlora": "lora", "full": "full", "oft": "", "freeze": ""}
_OBJECTIVES = {"sft": "sft", "dpo": "dpo", "kto": "kto", "orpo": "orpo", "rm": "reward"}


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of it: the spec, the fields that were known, and why others were left at their defaults."""

    spec: RunSpec
    fields: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def note(self) -> str:
        """One sentence for who saves it."""
        kept = f"{len(self.fields)} settings were known; all others are the defaults"
        return f"{kept}. Left out: {'; '.join(self.left)}." if self.left else f"{kept}."


def spec_of(reading: Reading) -> Taken:
    """Return the spec that does what this run does, as far as its settings are known.

    Raises `TuiFtError` when nothing of them is, or the base model is not: then there is nothing to keep.
    """
    known = by_spec_names(reading.settings)
    if not _text(known.get("model.id")) and reading.model:
        known["model.id"] = reading.model
    if not reading.settings:
        raise TuiFtError(
            "The settings of this run are not known: its files hold none.",
            "W&B, TensorBoard (by Trainer) and LLaMA-Factory write them; stdout and CSV logs do not.",
        )
    spec, fields, left = RunSpec(), [], []
    for field, text in _wanted(known):
        try:
            spec = overrides.apply(spec, [f"{field}={text}"])
        except SpecError as error:
            left.append(f"{field} ({error.message.rstrip('.')})")
        else:
            fields.append(field)
    if not spec.model.id:
        raise TuiFtError(
            "The base model of this run is not known: its files do not name it.",
            "`n` at home begins a new run; `t` here shows the settings that are known.",
        )
    if "method.kind" not in fields:
        left.append("which weights move (not known; LoRA is the default)")
    return Taken(spec=spec, fields=tuple(fields), left=tuple(left))


def _wanted(known: Mapping[str, SettingValue]) -> Iterator[tuple[str, str]]:
    yield "model.id", _text(known.get("model.id")).strip()
    yield from _method(known)
    yield from _objective(known)
    for field in _SIMPLE:
        if field in known:
            yield field, _text(known[field])
    if schedule := _word(known, "training.schedule"):
        yield "training.schedule", schedule
    if optimizer := _word(known, "training.optimizer"):
        yield "training.optimizer", _OPTIMIZERS.get(optimizer, optimizer)
    precisions = [name for name in ("bf16", "fp16") if _is_on(known, name)]
    if precisions:
        yield "training.precision", precisions[0]


def _method(known: Mapping[str, SettingValue]) -> Iterator[tuple[str, str]]:
    named = next((_word(known, name) for name in _METHOD_NAMES if name in known), "")
    kind = _METHODS.get(named, named) or ("lora" if "method.rank" in known else "")
    if not kind:
        return
    yield "method.kind", kind
    if kind != "lora":
        return
    for field in _OF_LORA:
        if field in known:
            yield field, _text(known[field])
    if targets := _targets(known.get("method.targets")):
        yield "method.targets", targets
    if bits := _bits(known, named):
        yield "method.quantization", bits
    if _is_on(known, "use_dora"):
        yield "method.variant", "dora"
    elif _is_on(known, "use_rslora"):
        yield "method.variant", "rslora"


def _bits(known: Mapping[str, SettingValue], named: str) -> str:
    stated = _text(known.get("quantization_bit")) or _text(known.get("method.quantization"))
    if stated in ("nf4", "fp4", "int8"):
        return stated
    if _is_on(known, "load_in_4bit") or stated == "4" or named == "qlora":
        return "nf4"
    return "int8" if _is_on(known, "load_in_8bit") or stated == "8" else ""


def _objective(known: Mapping[str, SettingValue]) -> Iterator[tuple[str, str]]:
    stage = _word(known, "stage") or _word(known, "rl") or _word(known, "objective.kind")
    if stage in _OBJECTIVES and stage != "sft":
        yield "objective.kind", _OBJECTIVES[stage]
        if "objective.beta" in known:
            yield "objective.beta", _text(known["objective.beta"])


def _targets(value: SettingValue) -> str:
    """`q_proj,v_proj` from the ways in which lists of modules are written."""
    text = _text(value)
    if text in ("all", "all-linear"):
        return "all-linear"
    names = text.strip("[](){}").replace("'", "").replace('"', "").split(",")
    return ",".join(name.strip() for name in names if name.strip())


def _word(known: Mapping[str, SettingValue], name: str) -> str:
    """A choice as a word: `SchedulerType.COSINE` is `cosine`."""
    return _text(known.get(name)).rpartition(".")[2].lower()


def _is_on(known: Mapping[str, SettingValue], name: str) -> bool:
    return _text(known.get(name)).lower() in ("true", "1")


def _text(value: SettingValue) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
