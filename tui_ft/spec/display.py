"""How a spec is named on a screen: short words for its method, its model and its batch."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePath

from tui_ft.spec.errors import printable
from tui_ft.spec.learning import MethodKind, MethodSection, Variant
from tui_ft.spec.resolve import resolve
from tui_ft.spec.run_spec import RunSpec

_VARIANTS: Mapping[Variant, str] = {
    "rslora": "rsLoRA", "dora": "DoRA", "pissa": "PiSSA", "lora+": "LoRA+",
}  # fmt: skip
_KINDS: Mapping[MethodKind, str] = {
    "full": "Full", "adalora": "AdaLoRA", "adapter": "Adapter", "prefix": "Prefix", "prompt": "Prompt",
    "p_tuning": "P-tuning", "ia3": "IA3",
}  # fmt: skip
_DIGITS = 12
"""More than a person types, fewer than the noise of a computation has."""


def method_label(spec: RunSpec) -> str:
    """Return the method in a few characters: `QLoRA r16`, `Full`, `Last 2 layers`."""
    method = resolve(spec).method
    if method.kind == "last_layers":
        return "Last layer" if method.layers == 1 else f"Last {method.layers} layers"
    name = _lora_name(method) if method.kind == "lora" else _KINDS[method.kind]
    if method.rank is not None:
        return f"{name} r{method.rank}"
    if method.virtual_tokens is not None:
        return f"{name} {method.virtual_tokens}"
    return name


def _lora_name(method: MethodSection) -> str:
    name = _VARIANTS[method.variant] if method.variant else "LoRA"
    return f"Q{name}" if method.quantization else name


def model_label(spec: RunSpec) -> str:
    """Return the model's own name: the last part of its hub id or folder; `–` without one."""
    return printable(PurePath(spec.model.id).name) if spec.model.id else "–"


def run_name(spec: RunSpec) -> str:
    """Return what a run is called: as its notes say, else by model and method."""
    return spec.notes.name or f"{model_label(spec)}-{method_label(spec)}"


def effective_batch(spec: RunSpec, devices: int = 1) -> int:
    """Return the rows that one optimizer step learns from."""
    return spec.training.batch_size * spec.training.gradient_accumulation * devices


def number_text(value: float) -> str:
    """A number as it is typed: 0.05, 2e-4; it reads back the same, but for the noise of a computation."""
    text = f"{value:.{_DIGITS}g}"
    return f"{Decimal(text).normalize():e}" if 0 < abs(value) < 1e-3 else text
