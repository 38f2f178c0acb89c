"""A run that has ended, without any process, and what its spec wants to follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tui_ft.hardware import host
from tui_ft.runs.after.copying import Copy
from tui_ft.runs.after.task import AfterTask
from tui_ft.runs.directory import RunDirectory, create
from tui_ft.runs.health_rows import DeedRow, decode_health
from tui_ft.runs.records import ExitRecord, StateRecord, encode_document
from tui_ft.runs.state import read_state
from tui_ft.spec.run_spec import AfterSection

A_COPY = Copy(Path("/x/y"), 1, 1, "")
SPEC = 'schema = 1\n[model]\nid = "demo"\n[data]\ntrain = "demo"\n[after]\n'


def an_ended_run(root: Path, ended_at: float, after: str = "", **changes: Any) -> RunDirectory:
    """On this boot. `after` are the lines of its spec under [after]."""
    run = create(root, "demo")
    place = host.here()
    record = StateRecord(
        status="finished", name="demo", started_at=ended_at - 60, ended_at=ended_at, host=place.host,
        boot_id=place.boot_id, pid_namespace=place.pid_namespace,
        exit=ExitRecord(cause="finished", message="Finished."),
    )  # fmt: skip
    write(run, msgspec.structs.replace(record, **changes))
    if after:
        spec = run.attempt(1).spec
        spec.parent.mkdir(parents=True, exist_ok=True)
        spec.write_text(SPEC + after)
    return run


def with_result(run: RunDirectory) -> RunDirectory:
    """So that there is something to be copied."""
    run.result.mkdir()
    (run.result / "model.safetensors").write_bytes(b"w" * 100)
    return run


def rewrite(run: RunDirectory, **changes: Any) -> None:
    """Change fields of its state."""
    write(run, msgspec.structs.replace(read_state(run), **changes))


def write(run: RunDirectory, record: StateRecord) -> None:
    run.state.write_bytes(encode_document(record))


def a_task(run: RunDirectory, **after: Any) -> AfterTask:
    """What follows it, the copy made."""
    return AfterTask(
        run=run, attempt=1, after=AfterSection(**after), state=read_state(run), pause_s=0.01, copy=A_COPY
    )


def deeds(run: RunDirectory) -> list[DeedRow]:
    """What was done, as health.jsonl has it."""
    lines = run.health.read_bytes().splitlines() if run.health.exists() else []
    return [row for row in map(decode_health, lines) if isinstance(row, DeedRow)]
