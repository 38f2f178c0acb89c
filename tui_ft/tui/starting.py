"""What a start would take, as sentences: model, GPU, bytes to download, free disk, and what to ask first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.tui.download import Download, measure
from tui_ft.tui.text import gib, plain
from tui_ft.tui.widgets.gpu_strip import holder_text, is_held
from tui_ft.vram.situation import StepDown

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import Gpu, GpuReading
    from tui_ft.spec.run_spec import RunSpec

LARGE_DOWNLOAD_BYTES = 10**9
"""A larger download is asked about once."""


class StartFacts(msgspec.Struct, kw_only=True, frozen=True):
    """What is known before a start; `gpu` says which one it takes, `held` who is on it already.

    `memory` says what it needs of that GPU, `lack` what is missing; both are "" where there is no GPU.
    `step_downs` are changes with which it fits there, `problems` what would surely end it.
    """

    model: str
    method: str
    gpu: str
    held: str = ""
    memory: str = ""
    lack: str = ""
    step_downs: tuple[StepDown, ...] = ()
    problems: tuple[str, ...] = ()
    download: Download = Download()
    free_disk_bytes: int | None = None

    def lines(self) -> list[str]:
        """The facts in a few short lines for whoever decides."""
        return [
            f"Model     {self.model} · {self.method}",
            f"GPU       {self.gpu}{f' · {self.held}' if self.held else ''}",
            *([f"Memory    {self.memory}"] if self.memory else []),
            f"Download  {self.download_text} · disk: {gib(self.free_disk_bytes)} GiB free",
        ]

    @property
    def download_text(self) -> str:
        """What is still to fetch, in words."""
        if self.download.problem:
            return self.download.problem.rstrip(".")
        if self.download.needed_bytes == 0:
            return "nothing, the model is here"
        return f"{gib(self.download.needed_bytes)} GiB"

    @property
    def refusal(self) -> str:
        """Why it cannot start at all; empty when it can."""
        if self.problems:
            return self.problems[0]
        return self.download.problem if self.download.is_fatal else ""

    @property
    def question(self) -> str:
        """What must be asked once before it starts; empty when nothing must. A lack with remedies is not."""
        reasons = []
        if self.download.problem:
            reasons.append(self.download.problem)
        elif (self.download.needed_bytes or 0) > LARGE_DOWNLOAD_BYTES:
            size, free = gib(self.download.needed_bytes), gib(self.free_disk_bytes)
            reasons.append(f"It downloads {size} GiB; {free} GiB of disk are free.")
        if self.lack and not self.step_downs:
            reasons.append(self.lack)
        if self.held:
            reasons.append(f"Somebody holds the GPU: {self.held}.")
        return " ".join(reasons)


def gather(spec: RunSpec, reading: GpuReading, runs_root: Path) -> StartFacts:
    """Collect the facts of a start; it may ask the Hub, so it blocks for some seconds."""
    from tui_ft.hardware.host import disk
    from tui_ft.runs.readiness import readiness
    from tui_ft.spec.display import method_label

    gpu, held = choose(spec, reading)
    needed, lack = memory(spec, reading)
    now = readiness(spec, reading)
    download = measure(spec.model.id, spec.model.revision) if spec.model.id else Download()
    return StartFacts(
        model=plain(spec.model.id or "no model"),
        method=method_label(spec),
        gpu=gpu,
        held=held,
        memory=needed,
        lack=lack,
        step_downs=now.step_downs if lack else (),
        problems=now.problems if spec.model.id else (),
        download=download,
        free_disk_bytes=disk(runs_root if download.needed_bytes == 0 else hub_cache()).free_bytes,
    )


def choose(spec: RunSpec, reading: GpuReading) -> tuple[str, str]:
    """Return which GPU the run takes, and who holds it (empty when nobody does)."""
    from tui_ft.hardware.choose import choose_gpu

    if not reading.gpus:
        return "none: it trains on the CPU", ""
    try:
        chosen = choose_gpu(
            reading,
            spec.hardware.gpus,
            os.environ.get("CUDA_VISIBLE_DEVICES"),
            order=os.environ.get("CUDA_DEVICE_ORDER"),
        )
    except TuiFtError as error:
        return plain(error.message).rstrip("."), ""
    gpus = [gpu for gpu in reading.gpus if gpu.uuid in chosen]
    names = ", ".join(_gpu_text(gpu) for gpu in gpus) or "none: it trains on the CPU"
    return names, "; ".join(_holder(gpu) for gpu in gpus if is_held(gpu))


def memory(spec: RunSpec, reading: GpuReading) -> tuple[str, str]:
    """Return what the run needs of its GPU and whether that fits, and what is missing where it does not."""
    from tui_ft.vram.assess import assess
    from tui_ft.vram.find_model import find_shape
    from tui_ft.vram.verdict import WORDS

    if not reading.gpus or not spec.model.id:
        return "", ""
    try:
        shape = find_shape(spec.model.id, revision=spec.model.revision, online=True)
        found = assess(spec, shape, reading, with_step_downs=False)
    except TuiFtError as error:
        return f"not known: {plain(error.message).rstrip('.')}", ""
    needed, free = gib(found.estimate.needed_bytes), gib(found.free_bytes)
    between = f"{gib(found.estimate.low_bytes)} to {gib(found.estimate.high_bytes)}"
    text = f"{needed} GiB needed, {free} free: {WORDS[found.verdict]} ({between})"
    if found.verdict != "does_not_fit":
        return text, ""
    return text, f"It does not fit: {needed} GiB are needed, {free} are free."


def _gpu_text(gpu: Gpu) -> str:
    return f"GPU {gpu.index} {plain(gpu.name).removeprefix('NVIDIA ')}, {gib(gpu.free_bytes)} GiB free"


def _holder(gpu: Gpu) -> str:
    return f"{holder_text(gpu)}, {gib(gpu.used_bytes)} GiB in use"


def hub_cache() -> Path:
    """The folder into which models are downloaded."""
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
