"""How to do a run again, for its report: its environment, its command and spec, and what it does not show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import join
from typing import Any

from tui_ft.runs.masking import masked
from tui_ft.runs.provenance import count_of, text_of
from tui_ft.watch.markdown import NOT_KNOWN, code, count, fenced, table, text
from tui_ft.watch.run_report_events import moment
from tui_ft.watch.run_report_facts import ReportFacts

FEW_EVALUATION_ROWS = 50
"""Of so few a single answer moves the loss by percents (our own bound)."""
_GOING = ("running", "starting", "paused", "stopping", "quiet")
_PACKAGES = ("tui-ft", "torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers",
             "safetensors", "bitsandbytes", "flash-attn", "triton")  # fmt: skip


def environment(facts: ReportFacts) -> Iterator[str]:
    newest = facts.newest
    if newest is None or not newest.environment:
        yield "What it ran with was not written down where it can be read."
        return
    machine, gpu, model = newest.section("machine"), newest.section("gpu"), newest.section("model")
    rows = [
        [
            "device",
            _joined(gpu, "name", "compute_capability") if gpu else text(newest.environment.get("device", "")),
        ],
        ["GPU memory", _gib(gpu.get("total_bytes"))],
        ["driver, CUDA", _joined(newest.environment, "driver", "cuda")],
        ["processor", f"{_known(machine, 'processor')}, {_known(machine, 'cores')} cores"],
        ["memory", _gib(machine.get("memory_bytes"))],
        ["system", _joined(machine, "system", "kernel")],
        ["container", _joined(machine, "container", "image")],
        ["Python", _known(newest.environment, "python")],
        ["base model", code(model.get("id", ""))],
        ["its commit", code(model.get("commit") or "")],
        ["its hash", code(model.get("content_hash") or "")],
        ["hash of every byte, now", code(facts.model_hash or "")],
        [
            "tokenizer, template",
            f"{code(_short(model.get('tokenizer_hash')))}, {code(_short(model.get('template_hash')))}",
        ],
    ]
    yield from table(["", ""], [row for row in rows if row[1] not in (NOT_KNOWN, "")])
    versions = newest.section("packages")
    shown = [f"{name} {text(versions[name])}" for name in _PACKAGES if text_of(versions.get(name))]
    yield ""
    yield f"Packages: {', '.join(shown) or NOT_KNOWN}."


def _joined(found: Mapping[str, Any], *names: str) -> str:
    known = [_known(found, name) for name in names]
    return ", ".join(part for part in known if part != NOT_KNOWN) or NOT_KNOWN


def _known(found: Mapping[str, Any], name: str) -> str:
    value = text_of(found.get(name))
    return NOT_KNOWN if value is None else text(value)


def _gib(size: object) -> str:
    whole = count_of(size)
    return NOT_KNOWN if whole is None else f"{whole / 2**30:.1f} GiB"


def _short(digest: object) -> str:
    return (text_of(digest) or "")[:16]


def reproduce(facts: ReportFacts) -> Iterator[str]:
    reading = facts.reading
    first = facts.attempts[0] if facts.attempts else None
    launch = first.launch if first is not None else None
    if facts.run is None:
        yield f"It was read from {code(reading.path)} ({reading.source}); how it was started is not known."
        return
    if launch is not None and launch.command:
        yield "It was launched with"
        yield ""
        yield from fenced([masked(join(launch.command))], "sh")
        yield ""
        yield f"in {code(launch.folder)}, with tui-ft {text(launch.version)}, {moment(launch.time)}."
        if launch.commit:
            dirty = {
                True: ", with changed files",
                False: "",
                None: ", whether with changed files is not known",
            }
            yield ""
            yield f"git: {code(launch.commit)}{dirty[launch.is_dirty]}."
    yield ""
    yield "The same spec again: save the block below as `spec.toml`, then `tui-ft start spec.toml`."
    for number_of, written in facts.specs[:1]:
        yield ""
        yield f"Spec of attempt {number_of}:"
        yield ""
        yield from fenced([masked(line) for line in _without_comments(written).splitlines()], "toml")
    if len(facts.specs) > 1:
        yield ""
        yield "Later attempts changed it as the table under “What happened” says."
    yield ""
    yield (
        "The same numbers, bit for bit, come only on the same kind of GPU with the same packages; the hashes "
        "above say whether data and model are the same."
    )


def _without_comments(written: str) -> str:
    """A spec's own values; as it was written where it cannot be read."""
    import tomllib

    import tomli_w

    try:
        return tomli_w.dumps(tomllib.loads(written))
    except (ValueError, RecursionError):
        return written


def limits(facts: ReportFacts) -> Iterator[str]:
    """What the numbers above do not show."""
    reading = facts.reading
    newest = facts.newest
    if reading.status in _GOING:
        yield "- The run still goes on: everything here is as of the moment of this report."
    if not reading.is_complete or reading.is_approximate:
        yield "- Its history was not read to its end here: minima and maxima may lie outside."
    if reading.bad_records:
        yield f"- {count(reading.bad_records)} records could not be read and are left out."
    if reading.restarts:
        yield f"- It was interrupted {count(reading.restarts)}×; steps that were done twice count once."
    if any(one.nonfinite for one in reading.series.values()):
        yield "- Some values are not finite; they are counted, and left out of minima and maxima."
    held_out = count_of(newest.data.get("eval_rows")) if newest is not None else None
    if held_out is not None and held_out < FEW_EVALUATION_ROWS:
        yield f"- Only {count(held_out)} rows were held out: differences of a few percent of loss are chance."
    yield "- One run with one seed: another seed gives other numbers, and how far apart is not known."
    yield "- A loss says how likely the held-out answers are, not whether the model's own answers are right."
    yield from (f"- {text(note)}" for note in reading.notes[:10])
