"""The policy of a workload: what decides which tensors a step makes, whatever their sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tui_ft.spec.precision import ITEM_BYTES
from tui_ft.vram.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One row of the coefficient tables. `mask`: plain (none), masked, windowed (in some layers only)."""

    method: str
    quantization: str = ""
    targets: str = ""
    has_dropout: bool = False
    is_checkpointed: bool = True
    is_eager: bool = False
    mask: str = "plain"
    compute_bytes: int = 2
    is_tied: bool = False

    @property
    def key(self) -> str:
        """The name of the row."""
        words = (
            self.method,
            self.quantization,
            self.targets,
            "dropout" if self.has_dropout else "",
            "" if self.is_checkpointed else "kept",
            "eager" if self.is_eager else "",
            self.mask,
            "" if self.compute_bytes == 2 else "fp32",
            "tied" if self.is_tied else "",
        )
        return " ".join(word for word in words if word)


def policy_of(workload: Workload, *, is_tied: bool, is_windowed: bool) -> Policy:
    """The row that describes `workload`; `is_windowed`: its rows are longer than the sliding window."""
    trains_base = workload.method in ("full", "last_layers")
    return Policy(
        method=_method(workload),
        quantization="" if trains_base else _quantization(workload),
        targets="" if trains_base else _targets(workload.targets),
        has_dropout=workload.dropout > 0 and not trains_base,
        is_checkpointed=workload.gradient_checkpointing,
        is_eager=workload.attention == "eager",
        mask=_mask(workload, is_windowed=is_windowed),
        compute_bytes=ITEM_BYTES[workload.precision.compute],
        is_tied=is_tied and workload.method == "full",
    )


def nearest(policy: Policy) -> Iterator[tuple[Policy, str]]:
    """The rows that may stand for one that is missing, the likest first, and what each leaves out."""
    steps: list[tuple[str, dict[str, object]]] = [
        ("dropout's masks", {"has_dropout": False}),
        ("the chosen target modules (all linear layers are taken)", {"targets": "all"}),
        ("what DoRA computes more than LoRA", {"method": "lora"} if policy.method == "dora" else {}),
        ("eager attention's scores", {"is_eager": False}),
        ("the sliding window", {"mask": "masked"} if policy.mask == "windowed" else {}),
    ]
    left_out: list[str] = []
    changed = policy
    for what, change in steps:
        new = replace(changed, **change)  # type: ignore[arg-type]
        if new != changed:
            changed = new
            left_out.append(what)
            yield changed, " and ".join(left_out)


def _method(workload: Workload) -> str:
    if workload.method == "full" and workload.precision.trainable != "float32":
        return "pure"
    return "dora" if workload.variant == "dora" else workload.method


def _quantization(workload: Workload) -> str:
    if workload.quantization in ("nf4", "fp4"):
        return "4bit twice" if workload.double_quantization else "4bit"
    return workload.quantization or ""


def _targets(targets: str | tuple[str, ...]) -> str:
    if targets == "all-linear":
        return "all"
    return targets if isinstance(targets, str) else ",".join(sorted(targets))


def _mask(workload: Workload, *, is_windowed: bool) -> str:
    if workload.attention == "flash_attention_2":
        return "plain"
    if workload.is_padded or workload.is_packed:
        return "masked"
    return "windowed" if is_windowed else "plain"
