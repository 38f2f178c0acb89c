"""A run whose processes cannot be asked, judged by the time in its last hardware row."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.hardware import host
from tui_ft.runs import resuming
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import HardwareRow, JsonLinesWriter, StateRecord, encode_document
from tui_ft.runs.truth import read_truth

NOW = 1_795_262_400.0


def a_run(folder: Path, host: str, boot_id: str, last: float) -> RunDirectory:
    run = RunDirectory(folder / "20261121-one-aaaa")
    run.path.mkdir()
    run.state.write_bytes(encode_document(StateRecord(status="running", host=host, boot_id=boot_id)))
    writer = JsonLinesWriter(run.hardware)
    writer.write(HardwareRow(time=last))
    writer.close()
    return run


@pytest.mark.parametrize(
    ("age", "status"), [(5, "running"), (-20, "running"), (-900, "unknown"), (900, "unknown")]
)
def test_a_row_of_the_future_is_no_sign_of_life(tmp_path: Path, age: float, status: str) -> None:
    """But for clocks of two machines, which differ by seconds."""
    run = a_run(tmp_path, "elsewhere", "another", NOW - age)
    truth = read_truth(run, NOW)
    assert truth.status == status
    assert age != -900 or "the clock was ahead" in (truth.reason or "")


def test_after_a_reboot_with_the_clock_set_back_it_can_be_resumed(tmp_path: Path) -> None:
    """It was shown as running until the clock had caught up, and could not be resumed by any word."""
    run = a_run(tmp_path, host.hostname(), "the one before", 4e9)
    with pytest.raises(TuiFtError, match="no checkpoint"):  # the next thing that is asked for
        resuming.resumable_state(run, take_over=False)
