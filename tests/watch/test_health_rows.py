"""What was found with nobody there, read back from health.jsonl."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from synthetic_run import SyntheticRun

from tui_ft.health.finding import Code, Finding, Fix, Level
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow
from tui_ft.runs.records import JsonLinesWriter
from tui_ft.runs.state import StateFile, read_state
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import read_whole
from tui_ft.watch.sources.tui_ft import TuiFtSource


@pytest.fixture
def made(tmp_path: Path) -> SyntheticRun:
    run = SyntheticRun(tmp_path, total_steps=20)
    run.begin_training()
    run.advance(5)
    return run


def found(
    code: Code, level: Level = "warning", *, time: float = 10.0, message: str = "It is so."
) -> FoundRow:
    return FoundRow(time=time, finding=Finding(code=code, level=level, message=message, time=time))


def read(run: SyntheticRun, *rows: FoundRow | ClearedRow | DeedRow) -> Reading:
    writer = JsonLinesWriter(run.run.health)
    for row in rows:
        writer.write(row)
    writer.close()
    return read_whole(TuiFtSource(run.run, clock=lambda: run.now))


def test_open_findings_are_the_newest_of_each_code_worst_first(made: SyntheticRun) -> None:
    reading = read(
        made,
        found("plateau", "note"),
        found("disk", "warning", message="It was so."),
        found("divergence", "error"),
        found("disk", "warning", message="It is worse.", time=12.0),
        ClearedRow(time=13.0, code="plateau", message="It falls again."),
    )
    assert [(finding.code, finding.message) for finding in reading.findings] == [
        ("divergence", "It is so."), ("disk", "It is worse."),
    ]  # fmt: skip
    assert len(reading.health_rows) == 5
    assert [(finding.code, at) for finding, at in reading.past] == [("plateau", 13.0)]


def test_deeds_are_told_and_silenced_codes_are_not(made: SyntheticRun) -> None:
    StateFile(made.run, read_state(made.run)).update(silenced=["overfitting"])
    deed = DeedRow(time=11.0, deed="stop", message="Saved and stopped.", code="nonfinite")
    reading = read(made, found("overfitting"), deed)
    assert reading.findings == ()
    assert reading.deeds == (deed,)
    assert reading.silenced == ("overfitting",)


def test_nothing_of_it_reaches_a_terminal_as_more_than_text(made: SyntheticRun) -> None:
    evil = "\x1b]52;c;cm0gLXJm\x07\x1b[2Jhello\u202e"
    fix = Fix(name=evil, title=evil, how="command", changes=[evil], command=evil)
    finding = Finding(
        code="hang",
        level="error",
        message=evil,
        time=1.0,
        evidence={evil: evil, "rows": [evil, 3]},
        fixes=[fix],
    )
    reading = read(made, FoundRow(time=1.0, finding=finding), DeedRow(time=2.0, deed="hook", message=evil))
    said = str(msgspec.to_builtins([reading.findings, reading.health_rows, reading.deeds]))
    assert "\\x1b" not in said
    assert "\\u202e" not in said
    assert reading.findings[0].evidence["rows"] == ["hello", 3]


def test_a_bad_line_is_counted_and_a_shorter_file_is_read_again(made: SyntheticRun) -> None:
    made.run.health.write_text('{"event": "found", "time": 1}\nno JSON\n', encoding="utf-8")
    source = TuiFtSource(made.run, clock=lambda: made.now)
    assert read_whole(source).bad_records == 2
    made.run.health.unlink()
    read(made, found("hang", "error"))
    assert [finding.code for finding in read_whole(source).findings] == ["hang"]
    assert source.reading.bad_records == 0
