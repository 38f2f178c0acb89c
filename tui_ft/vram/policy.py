"""The policy of a workload: what decides which tensors a step makes, whatever their sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

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
    steps: list[tuple[str, Policy]] = [("", policy)]

    def leave_out(what: str, **change: Any) -> None:
        before, last = steps[-1]
        new = replace(last, **change)
        if new != last:
            steps.append((f"{before} and {what}" if before else what, new))

    if policy.method in STAND_IN:
        stand_in, targets = STAND_IN[policy.method]
        leave_out(f"what {policy.method} computes unlike LoRA", method=stand_in, targets=targets)
    leave_out("dropout's masks", has_dropout=False)
    if policy.targets not in ("", "all", "attention"):
        wider = "attention" if _is_attention(policy.targets) else "all"
        leave_out(f"the choice of modules ({wider} ones are taken)", targets=wider)
    if policy.method == "dora":
        leave_out("what DoRA computes more than LoRA", method="lora")
    if policy.quantization == "4bit":
        leave_out("plain statistics of 4 bits (double ones are taken)", quantization="4bit twice")
    if steps[-1][1].targets == "attention":
        leave_out("the choice of modules (all ones are taken)", targets="all")
    leave_out(EAGER_SCORES, is_eager=False)
    if policy.mask == "windowed":
        leave_out("layers without a window (a mask in all is taken)", mask="masked")
    return iter([(row, left_out) for left_out, row in steps[1:]])


STAND_IN: Mapping[str, tuple[str, str]] = {
    "adalora": ("lora", "all"),
    "adapter": ("lora", "all"),
    "ia3": ("lora", "all"),
    "prefix": ("lora", "attention"),
    "prompt": ("lora", "attention"),
    "p_tuning": ("lora", "attention"),
}
"""Methods that the trainer cannot run yet: what of LoRA's rows comes nearest to their steps."""

EAGER_SCORES = "eager attention's scores"


def _is_attention(targets: str) -> bool:
    """Whether all of the named modules are projections of attention, by their usual names."""
    parts = ("q_", "k_", "v_", "o_", "qkv", "attn", "query", "key", "value", "Wqkv")
    return all(name.startswith(parts) for name in targets.split(","))


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
