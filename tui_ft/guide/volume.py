"""How much a run reads: rows and tokens of a pass over its data, and the optimizer steps that this makes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tui_ft.data.findings import Findings, Lengths
from tui_ft.data.prepare import rows_read
from tui_ft.demo import paths as demo_paths
from tui_ft.spec.run_spec import RunSpec
from tui_ft.user_paths import is_there, user_path

CHARACTERS_A_TOKEN = 4.0
"""Of English text with today's vocabularies, where no tokenizer has counted (our own number, rough)."""

Counted = Literal["tokens", "characters", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """What one epoch of a run reads, after the held-out rows are taken off. None is "not known".

    `held_out_rows` are those that are split off, or those of the data set of their own.
    `row_tokens` is the mean of a row cut at `data.max_length`, `padded_tokens` that of a row filled up to
    the longest of its batch. `counted` says whether tokens were counted or are guessed from characters.
    `is_partial`: the check of the data was ended before the last row.
    """

    rows: int | None = None
    held_out_rows: int | None = None
    row_tokens: float | None = None
    padded_tokens: float | None = None
    longest_row: int | None = None
    steps_per_epoch: int | None = None
    steps: int | None = None
    counted: Counted = "unknown"
    is_partial: bool = False

    @property
    def tokens_per_epoch(self) -> float | None:
        """Tokens of one pass, padding left out."""
        return None if self.rows is None or self.row_tokens is None else self.rows * self.row_tokens

    def rows_seen(self, batch: int) -> float | None:
        """Rows that the whole run trains on, at `batch` rows a step; the last step of an epoch is short."""
        if self.steps is None:
            return None
        if self.rows is None or not self.steps_per_epoch:
            return float(self.steps * batch)
        return self.steps / self.steps_per_epoch * self.rows


def key_of(name: str) -> str:
    """The name by which the findings of a data set are kept: its absolute path, or itself on the hub."""
    if name == "demo":
        return str(demo_paths.data_file())
    path = user_path(name).absolute()
    return str(path) if is_there(path) or name.startswith(("/", "./", "../", "~")) else name


def volume(spec: RunSpec, findings: Mapping[str, Findings]) -> Volume:
    """What `spec` reads, as far as `findings` (by `key_of` the data's name) tell.

    Without them the steps are known only where `training.max_steps` says them.
    """
    training = spec.training
    parts = _parts(spec, findings)
    if parts is None:
        return Volume(steps=training.max_steps)
    usable = sum(count for count, _, _ in parts)
    split = 0 if spec.data.eval else _held_out(round(usable), spec)
    share = 1 - split / max(usable, 1)
    learnt = max(round(sum(count * weight for count, weight, _ in parts) * share), 1)
    held = _own_evaluation(spec.data.eval, findings) if spec.data.eval else split
    if spec.data.limit is not None:
        learnt = min(learnt, spec.data.limit)
        held = None if held is None else min(held, spec.data.limit)
    mean, padded = _mean(spec, parts, 1), _mean(spec, parts, training.batch_size)
    per_epoch = steps_per_epoch(spec, learnt, mean)
    return Volume(
        rows=learnt,
        held_out_rows=held,
        row_tokens=mean,
        padded_tokens=mean if spec.data.packing else padded,
        longest_row=_longest(parts),
        steps_per_epoch=per_epoch,
        steps=training.max_steps or math.ceil(training.epochs * per_epoch),
        counted=_counted(parts),
        is_partial=any(found.is_partial for _, _, found in parts),
    )


def steps_per_epoch(spec: RunSpec, rows: int, row_tokens: float | None = None) -> int:
    """Optimizer steps of a pass over `rows`, as the trainer counts them on one GPU or several.

    With packing several rows of `row_tokens` share a sequence; how many is known only nearly.
    """
    if spec.data.packing and row_tokens:
        rows = max(math.ceil(rows * row_tokens / spec.data.max_length), 1)
    batches = math.ceil(rows / (spec.training.batch_size * devices(spec)))
    return math.ceil(batches / spec.training.gradient_accumulation)


def devices(spec: RunSpec) -> int:
    """GPUs that take part; 1 where it is left to the run."""
    gpus = spec.hardware.gpus
    count = 1 if gpus == "auto" else gpus if isinstance(gpus, int) else len(set(gpus))
    return count * spec.hardware.nodes


_Part = tuple[float, float, Findings]
"""Usable rows that are read of a source, how often an epoch shows each, and its findings."""


def _parts(spec: RunSpec, findings: Mapping[str, Findings]) -> list[_Part] | None:
    """The sources; None unless every one of them was checked."""
    train = spec.data.train
    if train is None:
        return None
    named = [(train, 1.0)] if isinstance(train, str) else [(one.path, one.weight) for one in train]
    most = rows_read(spec.data.limit)
    parts: list[_Part] = []
    for name, weight in named:
        found = findings.get(key_of(name))
        if found is None or not found.usable_rows:
            return None
        usable = found.usable_rows if most is None else min(found.usable_rows, most)
        parts.append((float(usable), weight, found))
    return parts


def _held_out(rows: int, spec: RunSpec) -> int:
    """The rows that are split off: the share, at least one, never all; equal rows are left out of account."""
    fraction = spec.data.eval_fraction
    if fraction <= 0 or rows < 2:
        return 0
    return min(max(round(rows * fraction), 1), rows - 1)


def _own_evaluation(name: str, findings: Mapping[str, Findings]) -> int | None:
    """Rows of the data set that is there for evaluation alone."""
    found = findings.get(key_of(name))
    return None if found is None else found.usable_rows


def _mean(spec: RunSpec, parts: Sequence[_Part], batch: int) -> float | None:
    """Mean tokens of a row cut at the length; with a `batch`, of the longest of so many rows."""
    total = weights = 0.0
    for rows, weight, found in parts:
        mean = mean_tokens(found, spec.data.max_length, batch)
        if mean is None:
            return None
        total += mean * rows * weight
        weights += rows * weight
    return total / weights if weights else None


def mean_tokens(found: Findings, max_length: int, batch: int = 1) -> float | None:
    """Mean length in tokens of the usable rows of `found`, cut at `max_length`.

    With `batch` above 1: of the longest of `batch` rows drawn at random, to which the others are padded.
    None where no lengths are known. Characters are taken for a quarter of a token each.
    """
    lengths = found.lengths
    if lengths is None:
        return None
    scale = 1.0 if lengths.unit == "tokens" else 1 / CHARACTERS_A_TOKEN
    mean = _mean_of_longest(lengths, max_length / scale, batch) * scale
    if batch == 1 and found.tokens is not None and found.max_length == max_length and found.usable_rows:
        return found.tokens / found.usable_rows
    return min(max(mean, 1.0), float(max_length))


def share_longer(spec: RunSpec, findings: Mapping[str, Findings], length: int) -> float | None:
    """The share of the usable rows with more than `length` tokens; None unless a tokenizer counted them."""
    parts = _parts(spec, findings)
    if parts is None or _counted(parts) != "tokens":
        return None
    longer = total = 0.0
    for rows, weight, found in parts:
        assert found.lengths is not None  # their tokens were counted
        longer += _longer(found.lengths, length) * rows * weight
        total += rows * weight
    return longer / total if total else None


def _longer(lengths: Lengths, length: int) -> float:
    """The share of rows above `length`; within a bin of the histogram they are taken to lie evenly."""
    lower, above, total = 0, 0.0, 0
    for upper, rows in lengths.histogram:
        end = min(upper, lengths.max)
        if rows > 0 and end > length:
            above += rows * min((end - length) / max(end - lower, 1), 1.0)
        total += rows
        lower = upper
    return above / total if total else 0.0


def _mean_of_longest(lengths: Lengths, limit: float, batch: int) -> float:
    """The mean of the longest of `batch` rows, each cut at `limit`, from the histogram's bins.

    A bin counts with its middle; all are scaled so that the uncut mean is the one that was counted.
    """
    bins = _bins(lengths)
    total = sum(rows for _, rows in bins)
    if not total:
        return min(lengths.mean, limit)
    middle_mean = sum(middle * rows for middle, rows in bins) / total
    factor = lengths.mean / middle_mean if middle_mean else 1.0
    mean, below = 0.0, 0.0
    for middle, rows in bins:
        upto = below + rows / total
        mean += min(middle * factor, limit) * (upto**batch - below**batch)
        below = upto
    return mean


def _bins(lengths: Lengths) -> list[tuple[float, int]]:
    found: list[tuple[float, int]] = []
    lower = 0
    for upper, rows in lengths.histogram:
        if rows > 0:
            found.append(((lower + min(upper, lengths.max)) / 2, rows))
        lower = upper
    return found


def _longest(parts: Sequence[_Part]) -> int | None:
    """The longest usable row in tokens; None unless a tokenizer counted all of them to their ends."""
    longest = 0
    for _, _, found in parts:
        if found.is_partial or found.lengths is None or found.lengths.unit != "tokens":
            return None
        longest = max(longest, found.lengths.max)
    return longest or None


def _counted(parts: Sequence[_Part]) -> Counted:
    units = {found.lengths.unit if found.lengths else "unknown" for _, _, found in parts}
    if "unknown" in units:
        return "unknown"
    return "characters" if "characters" in units else "tokens"
