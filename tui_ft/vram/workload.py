"""What is done to a model, as far as GPU memory depends on it: every field of the spec that moves a byte."""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.spec.learning import MethodKind, ObjectiveKind, Quantization, Variant
from tui_ft.spec.precision import Precision, decide
from tui_ft.spec.resolve import resolve, resolved_optimizer
from tui_ft.spec.run_spec import RunSpec

BF16_CAPABILITY = (8, 0)
"""The compute capability from which a GPU has bf16 (Ampere)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One training step on one GPU, everything resolved: no "auto", no unset field that has a default.

    `seq_length`: tokens of the longest row of a micro-batch, cut at `data.max_length`.
    `is_padded`: rows of a micro-batch differ in length, so attention needs a mask.
    `gpus` share the work by `strategy`; every figure of an estimate is that of one GPU.
    """

    method: MethodKind
    objective: ObjectiveKind
    precision: Precision
    adapter_dtype: str
    quantization: Quantization | None
    double_quantization: bool
    rank: int
    targets: str | tuple[str, ...]
    dropout: float
    variant: Variant | None
    trained_layers: int
    virtual_tokens: int
    batch_size: int
    seq_length: int
    gradient_accumulation: int
    optimizer: str
    gradient_checkpointing: bool
    attention: str
    is_packed: bool
    is_padded: bool
    gpus: int
    strategy: str
    capability: tuple[int, int] | None = None

    @property
    def label(self) -> str:
        """The method as people say it: QLoRA for LoRA on a quantised base."""
        return "qlora" if self.method == "lora" and self.quantization else self.method


def from_spec(
    spec: RunSpec,
    *,
    capability: tuple[int, int] | None = None,
    longest_row: int | None = None,
    adapter_dtype: str = "float32",
    is_padded: bool | None = None,
) -> Workload:
    """The workload of `spec` on a GPU of compute `capability` (None: bf16 is taken for granted).

    `longest_row` is the longest tokenised row of the data set, None: not known, so `data.max_length`.
    `adapter_dtype` other than the trainer's own float32 describes other people's runs. `is_padded` None:
    rows differ in length wherever a micro-batch has several.
    """
    spec = resolve(spec)
    method, training = spec.method, spec.training
    longest = spec.data.max_length
    if longest_row is not None and not spec.data.packing:
        longest = min(longest, longest_row)
    targets = method.targets if isinstance(method.targets, str) else tuple(method.targets or ())
    return Workload(
        method=method.kind,
        objective=spec.objective.kind,
        precision=decide(spec, on_gpu=True, has_bf16=capability is None or capability >= BF16_CAPABILITY),
        adapter_dtype=adapter_dtype,
        quantization=method.quantization,
        double_quantization=bool(method.double_quantization),
        rank=method.rank or 0,
        targets=targets,
        dropout=method.dropout or 0.0,
        variant=method.variant,
        trained_layers=method.layers or 0,
        virtual_tokens=method.virtual_tokens or 0,
        batch_size=training.batch_size,
        seq_length=longest,
        gradient_accumulation=training.gradient_accumulation,
        optimizer=resolved_optimizer(spec, on_gpu=True),
        gradient_checkpointing=training.gradient_checkpointing and method.kind != "prefix",
        attention="sdpa" if spec.model.attention == "auto" else spec.model.attention,
        is_packed=spec.data.packing,
        is_padded=training.batch_size > 1 and not spec.data.packing if is_padded is None else is_padded,
        capability=capability,
        gpus=_gpus(spec),
        strategy=spec.hardware.strategy,
    )


def _gpus(spec: RunSpec) -> int:
    wanted = spec.hardware.gpus
    if wanted == "auto":
        return 1
    count = wanted if isinstance(wanted, int) else len(set(wanted))
    return count * spec.hardware.nodes
