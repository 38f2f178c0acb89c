"""`tui-ft estimate`: how much GPU memory a run will need, why, and whether it fits here."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.printing import print_json
from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import GpuReading
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.vram.assess import Assessment
    from tui_ft.vram.find_model import Found
    from tui_ft.vram.result import Estimate
    from tui_ft.vram.shape import ModelShape

GIB = 2**30
LARGEST_GPU_GIB = 100_000

_DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}

_FIELDS = {
    "model": "model.id",
    "revision": "model.revision",
    "method": "method.kind",
    "seq_length": "data.max_length",
    "batch_size": "training.batch_size",
    "rank": "method.rank",
    "targets": "method.targets",
    "optimizer": "training.optimizer",
    "attention": "model.attention",
    "objective": "objective.kind",
    "gpus": "hardware.gpus",
    "strategy": "hardware.strategy",
}
"""The field of the spec that an option sets; the spec knows what may stand in it."""


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "estimate", parents=[common], help="say whether a run will fit into GPU memory, and why"
    )
    what = parser.add_argument_group("what is trained")
    what.add_argument("--model", metavar="NAME|DIR|config.json")
    what.add_argument("--revision", metavar="REV", help="branch, tag or commit on the hub")
    what.add_argument("--spec", metavar="PRESET|FILE.toml", help="start from its settings")
    what.add_argument("--method", metavar="M", help="full, lora, qlora, …")
    what.add_argument("--objective", metavar="O", help="sft, dpo, …")
    what.add_argument("--set", action="append", default=[], metavar="section.field=value", dest="overrides")
    how = parser.add_argument_group("how")
    how.add_argument("--seq-length", metavar="N", help="tokens of the longest row")
    how.add_argument("--batch-size", metavar="N", help="rows at a time on each GPU")
    how.add_argument("--rank", metavar="N")
    how.add_argument("--targets", metavar="all|attention|LIST")
    how.add_argument("--optimizer", metavar="O")
    how.add_argument("--dtype", metavar="bf16|fp16|fp32", help="dtype in which the weights are loaded")
    how.add_argument("--adapter-dtype", metavar="fp32|bf16", default="fp32")
    how.add_argument("--gradient-checkpointing", action=argparse.BooleanOptionalAction)
    how.add_argument("--attention", metavar="sdpa|eager|flash_attention_2")
    how.add_argument("--packing", action="store_true", help="several short rows in one sequence")
    where = parser.add_argument_group("where")
    where.add_argument("--gpus", metavar="N|LIST", help="a count, or indices with commas between")
    where.add_argument("--strategy", metavar="single|ddp|fsdp|zero2|zero3")
    where.add_argument("--gpu-memory", metavar="GIB", help="pretend that so much is free")
    where.add_argument("--exact", action="store_true", help="simulate the trainer: seconds, not milliseconds")
    where.add_argument("--probe", action="store_true", help="run one step on the GPU and measure")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=estimate)


def estimate(arguments: argparse.Namespace) -> int:
    """Print the assessment. Exit code 0: fits, tight, or no GPU known; 1: does not fit."""
    from tui_ft.vram import find_model

    _refuse_conflicts(arguments)
    spec = _spec(arguments)
    pretended = pretended_bytes(arguments.gpu_memory)
    adapter_dtype = _dtype("--adapter-dtype", arguments.adapter_dtype, ("bf16", "fp32"))
    found = find_model.find(spec.model.id or "", revision=spec.model.revision, online=True)
    assess = partial(
        _assess, spec, found.shape, _reading(pretended, arguments), pretended, adapter_dtype=adapter_dtype
    )
    first = final = assess()
    extra: dict[str, Any] = {}
    if arguments.exact:
        final = assess(estimated=_simulated(first, found))
        extra["closed_form"] = _numbers(first)
    elif arguments.probe:
        first, final, extra["probe"] = _probed(first, assess)
        extra["closed_form"] = _numbers(first)
    if arguments.json:
        from tui_ft.vram.as_json import assessment_json

        print_json(assessment_json(final) | extra)
    else:
        from tui_ft.cli.estimate_text import lines

        print("\n".join(lines(final, first)))
    return 1 if final.verdict == "does_not_fit" else 0


def _assess(
    spec: RunSpec, shape: ModelShape, reading: GpuReading, pretended: int | None, **more: Any
) -> Assessment:
    from tui_ft.vram.assess import assess

    return assess(spec, shape, reading, gpu_memory_bytes=pretended, **more)


def _refuse_conflicts(arguments: argparse.Namespace) -> None:
    if not arguments.model and not arguments.spec:
        raise TuiFtError(
            "No model is named.", "For example: tui-ft estimate --model Qwen/Qwen3-8B --method qlora"
        )
    if arguments.exact and arguments.probe:
        raise TuiFtError("--exact simulates and --probe measures: both at once is one too many.", "Take one.")
    if arguments.probe and arguments.gpu_memory:
        raise TuiFtError("--probe measures on a real GPU, and --gpu-memory pretends one.", "Take one.")


def _spec(arguments: argparse.Namespace) -> RunSpec:
    """The spec that the options describe. Raises `TuiFtError` for one that cannot be."""
    from tui_ft.spec import overrides, presets
    from tui_ft.spec.run_spec import RunSpec

    base = RunSpec()
    if arguments.spec:
        base = presets.find_preset(arguments.spec, settings.user_presets_folder()).spec
    changes = []
    for option, field in _FIELDS.items():
        value = getattr(arguments, option)
        if value is None:
            continue
        if not value.strip():
            name = option.replace("_", "-")
            raise TuiFtError(f"--{name} is empty.", "Give it a value, or leave it out.")
        if option == "targets" and value == "all":
            value = "all-linear"
        changes.append(f"{field}={value}")
    if arguments.dtype is not None:
        changes.append(f"model.dtype={_dtype('--dtype', arguments.dtype, tuple(_DTYPES))}")
    if arguments.gradient_checkpointing is not None:
        changes.append(f"training.gradient_checkpointing={str(arguments.gradient_checkpointing).lower()}")
    if arguments.packing:
        changes.append("data.packing=true")
    spec = overrides.apply(base, [*changes, *arguments.overrides])
    if arguments.gpus and arguments.strategy is None and _shares_without_strategy(spec):
        spec = overrides.apply(spec, ["hardware.strategy=ddp"])
    return spec


def _shares_without_strategy(spec: RunSpec) -> bool:
    gpus = spec.hardware.gpus
    count = gpus if isinstance(gpus, int) else len(gpus) if isinstance(gpus, list) else 1
    return count > 1 and spec.hardware.strategy == "single"


def _dtype(option: str, word: str, allowed: tuple[str, ...]) -> str:
    from tui_ft.spec.errors import shown

    if word not in allowed and word not in (_DTYPES[short] for short in allowed):
        raise TuiFtError(f"{option} {shown(word)} is no dtype.", f"Use {', '.join(allowed)}.")
    return _DTYPES.get(word, word)


def pretended_bytes(text: str | None) -> int | None:
    """The bytes that --gpu-memory means; None without it. Raises `TuiFtError` for no size of a GPU."""
    from tui_ft.spec.errors import shown

    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= LARGEST_GPU_GIB:
        raise TuiFtError(f"--gpu-memory {shown(text)} is no size of a GPU in GiB.", "For example 24.")
    return int(value * GIB)


def _reading(pretended: int | None, arguments: argparse.Namespace) -> GpuReading:
    """The GPUs now, after a look at what runs that ended since the last time took on them."""
    from tui_ft.hardware import gpu

    if pretended is not None:
        return gpu.GpuReading(())
    from tui_ft.runs.measurements import gather

    reading = gpu.read_gpus()
    if reading.gpus:
        gather(settings.runs_root(arguments.runs_root))
    return reading


def _simulated(assessment: Assessment, found: Found) -> Estimate:
    from tui_ft.vram.simulation import simulate

    with _progress("simulating") as progress:
        return simulate(assessment, found, progress=progress)


def _probed(
    first: Assessment, assess: Callable[..., Assessment]
) -> tuple[Assessment, Assessment, dict[str, Any]]:
    """The prediction for the rows that were really there, the measurement in its place, and its record."""
    from tui_ft.vram import probe

    with _progress("measuring") as progress:
        probed = probe.run(first, progress=progress)
    first = assess(longest_row=probed.longest_row)
    measured = probe.as_estimate(probed, first.estimate, first.free_bytes)
    final = assess(longest_row=probed.longest_row, estimated=measured)
    return first, final, probe.as_json(probed, first.estimate)


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Callable[[str, int, int], None] | None]:
    """A line on stderr that says how far it is, for people at a terminal; it is gone afterwards."""
    if not sys.stderr.isatty():
        yield None
        return

    def show(step: str, done: int, total: int) -> None:
        count = f" {done}/{total}" if total else ""
        print(f"\r\x1b[K{what}: {step}{count}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _numbers(assessment: Assessment) -> dict[str, Any]:
    from tui_ft.vram.as_json import estimate_json

    return estimate_json(assessment.estimate)
