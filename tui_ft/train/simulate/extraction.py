"""The coefficients of the closed form: every policy of a family traced at two depths on a small model."""

from __future__ import annotations

import argparse
import dataclasses
import random
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.spec import overrides
from tui_ft.train.simulate import grid, sample
from tui_ft.train.simulate.moments import Affine, Sizes, UnresolvedError, affine, peaks, segments
from tui_ft.train.simulate.ours import trace_steps
from tui_ft.train.simulate.symbols import AmbiguousError, Symbols
from tui_ft.train.simulate.versions import versions
from tui_ft.vram.dimensions import head_dimensions, step_dimensions

SCHEMA = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Extract the named families, each into a file of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="+")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--only", default="", help="policies whose name matches; the others stay as they are")
    options = parser.parse_args(arguments)
    for family in options.families:
        began = time.monotonic()
        path = options.folder / f"{family}.json"
        document = family_document(family, options.only)
        if options.only and path.exists():
            known = msgspec.json.decode(path.read_bytes())["policies"]
            document["policies"] = known | document["policies"]
        if not document["policies"]:
            reasons = sorted(set(document["left_out"].values()))
            raise TuiFtError(f"No step of {family} can be traced: {'; '.join(reasons[:1])}.")
        path.write_bytes(msgspec.json.encode(document) + b"\n")
        rows, took = len(document["policies"]), time.monotonic() - began
        sys.stderr.write(f"{family}: {rows} policies, {path.stat().st_size >> 10} KiB, {took:.0f} s\n")
    return 0


def family_document(family: str, only: str = "") -> dict[str, Any]:
    """The rows of a family whose names match `only`; what cannot be traced is left out, with the reason."""
    window, free_head = _traits(family)
    policies: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for point in grid.points(family, has_window=window, has_free_head=free_head):
        if not re.search(only, point.policy.key):
            continue
        try:
            policies[point.policy.key] = [_row(moment) for moment in _moments(point)]
        except (TuiFtError, UnresolvedError, AmbiguousError, ValueError, RuntimeError) as error:
            left_out[point.policy.key] = " ".join(str(error).split())[:160]
    return {
        "schema": SCHEMA,
        "family": family,
        "versions": versions(),
        "policies": policies,
        "left_out": left_out,
    }


def _traits(family: str) -> tuple[bool, bool]:
    """Whether some layers see a window only, and whether the heads may be wider than the hidden state."""
    from transformers import AutoConfig

    usual = AutoConfig.for_model(family).get_text_config()
    has_window = bool(getattr(usual, "sliding_window", None)) and family != "mistral"
    points = grid.points(family, has_window=False, has_free_head=True)
    point = next(one for one in points if one.policy.method == "lora")  # mixtures cannot be trained whole
    try:
        segments(trace_steps(point.case, 2), sample.symbols(point.case.config))
    except (TuiFtError, UnresolvedError, ValueError, RuntimeError):
        return has_window, False
    return has_window, True


def _moments(point: grid.Point) -> list[Affine]:
    """The moments of a policy that can be its peak, for any number of layers."""
    names = sample.symbols(point.case.config)
    trained = point.case.spec.method.layers
    if trained is not None:
        return _along_trained_layers(point, names)
    few, many = (4, 6) if sample.alternates(point.case.config) else (2, 3)
    traced = [segments(trace_steps(point.case, depth), names) for depth in (few, many)]
    lines = affine(traced[0], few, traced[1], many)
    return peaks(lines, _realistic(point))


def _along_trained_layers(point: grid.Point, names: Symbols) -> list[Affine]:
    """The same for the last layers alone: a line through two and three trained ones of four.

    The first frozen layer, the first trained one and the last are like each other in both.
    """
    traced = []
    for trained in (2, 3):
        spec = overrides.apply(point.case.spec, [f"method.layers={trained}"])
        case = dataclasses.replace(point.case, spec=spec)
        traced.append(segments(trace_steps(case, 4), names))
    return peaks(affine(traced[0], 2, traced[1], 3, alike={0: 0, 2: 1, 3: 3}), _realistic(point))


def _row(moment: Affine) -> list[Any]:
    parts: dict[str, dict[str, list[float]]] = {}
    for (part, names), (constant, slope) in sorted(moment.terms.items()):
        parts.setdefault(part, {})["*".join(names)] = [_short(constant), _short(slope)]
    return [moment.phase, moment.is_accumulating, parts]


def _short(number: float) -> float:
    """Without the noise of a division, and a whole number without a point."""
    rounded = round(number, 4)
    return int(rounded) if rounded.is_integer() else rounded


_CHOICES: Mapping[str, Sequence[int]] = {
    "L": (12, 16, 24, 28, 32, 48, 64, 80), "heads": (8, 12, 16, 32, 64), "u": (1, 2, 4, 8),
    "d": (64, 128, 256), "V": (32000, 49152, 128256, 151936, 256000), "r": (1, 8, 16, 64, 256),
    "b": (1, 2, 4, 8, 16, 64), "s": (64, 128, 256, 512, 1024, 2048, 4096, 8192, 32768),
    "E": (8, 32, 128), "K": (2, 4, 8),
}  # fmt: skip
_SAMPLES = 3000


def _realistic(point: grid.Point) -> Sizes:
    """Sizes of models and steps as they occur, and beyond: a moment that is never the largest is dropped."""
    rnd = random.Random(0)
    fills = "head_dim" not in point.case.config
    found: list[tuple[int, Mapping[str, int]]] = []
    for _ in range(_SAMPLES):
        pick = {name: rnd.choice(values) for name, values in _CHOICES.items()}
        heads, head = pick["heads"], pick["d"]
        groups = max(heads // pick["u"], 1)
        hidden = heads * head if fills else rnd.choice((512, 1024, 2048, 3072, 4096, 5120, 8192))
        wide = int(hidden * rnd.choice((1, 2, 2.6875, 3.5, 4, 8)))
        model = {
            "h": hidden, "f": wide, "n": heads, "g": groups, "u": heads // groups, **head_dimensions(head),
            "a": (heads + 2 * groups) * head, "V": pick["V"], "E": pick["E"], "K": pick["K"],
            "m": rnd.choice((512, 768, 2048, 14336)),
        }  # fmt: skip
        found.append((pick["L"], model | step_dimensions(pick["b"], pick["s"], pick["r"], pick["V"])))
    return Sizes(found)
