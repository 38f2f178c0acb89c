"""A run on a GPU of a certain size: what a change of one setting would come to there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from tui_ft.errors import TuiFtError
from tui_ft.spec import overrides as spec_overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.support import support
from tui_ft.vram.bounds import check_bounds
from tui_ft.vram.result import Estimate
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.verdict import Verdict, judge
from tui_ft.vram.workload import Workload, from_spec

Kind = Literal[
    "batch", "checkpointing", "length", "optimizer_8bit", "optimizer_paged", "lora", "qlora", "rank",
    "layers", "gpus", "model", "gpu", "together",
]  # fmt: skip
"""What a change is about; `together` are several at once."""

Pricing = Callable[[ModelShape, Workload], Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDown:
    """One change that needs less memory. `overrides` apply it to the spec (`spec.overrides.apply`).

    Without overrides there is nothing to apply here: another GPU, or what this version cannot start;
    `remark` says so.
    """

    change: str
    overrides: tuple[str, ...]
    needed_bytes: int
    verdict: Verdict
    kind: Kind = "together"
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What does not fit, and where. `free_here` are the free bytes of every GPU that may be used."""

    spec: RunSpec
    shape: ModelShape
    workload: Workload
    estimate: Estimate
    free_bytes: int
    free_here: tuple[int, ...]
    price: Pricing
    capability: tuple[int, int] | None = None
    longest_row: int | None = None
    adapter_dtype: str = "float32"

    def weigh(
        self,
        overrides: Iterable[str],
        *,
        shape: ModelShape | None = None,
        capability: tuple[int, int] | None = None,
    ) -> Estimate | None:
        """The estimate after `overrides`, on another model or GPU if given; None where they cannot be."""
        shape, capability = shape or self.shape, capability or self.capability
        try:
            workload = from_spec(
                spec_overrides.apply(self.spec, overrides),
                capability=capability,
                longest_row=self.longest_row,
                adapter_dtype=self.adapter_dtype,
            )
            check_bounds(shape, workload, capability)
            return self.price(shape, workload)
        except TuiFtError:
            return None

    def fits(self, estimate: Estimate | None) -> bool:
        return estimate is not None and judge(estimate, self.free_bytes) == "fits"

    def rung(
        self,
        kind: Kind,
        change: str,
        overrides: Iterable[str],
        estimate: Estimate | None = None,
        *,
        shape: ModelShape | None = None,
        free_bytes: int | None = None,
        is_here: bool = True,
    ) -> StepDown | None:
        """`change` with its number; None where it cannot be made or saves nothing.

        `is_here` is False where the GPUs that it takes are not in the box: then it cannot be applied.
        """
        overrides = tuple(overrides)
        estimate = estimate or self.weigh(overrides, shape=shape)
        if estimate is None or estimate.needed_bytes >= self.estimate.needed_bytes:
            return None
        verdict = judge(estimate, self.free_bytes if free_bytes is None else free_bytes)
        remark = "" if is_here else "not in this box"
        if is_here and self._stops_running(overrides):
            remark = "this version cannot start it yet"
        return StepDown(
            kind=kind,
            change=change,
            overrides=() if remark else overrides,
            needed_bytes=estimate.needed_bytes,
            verdict=verdict,
            remark=remark,
        )

    def _stops_running(self, overrides: tuple[str, ...]) -> bool:
        if support(self.spec).state != "runs":
            return False
        return support(spec_overrides.apply(self.spec, overrides)).state != "runs"
