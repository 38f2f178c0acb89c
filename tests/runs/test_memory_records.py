"""The rows of predicted and measured memory, and rows of kinds that only a newer version knows."""

from __future__ import annotations

import msgspec
import pytest

from tui_ft.runs.records import (
    MemoryEvent,
    MemoryPeak,
    PredictionRecord,
    decode_event,
    decode_prediction,
    encode_document,
    encode_row,
)

GIB = 1 << 30


def test_a_memory_event_is_read_as_it_was_written() -> None:
    event = MemoryEvent(
        time=1.0,
        step=3,
        allocated_bytes=5 * GIB,
        reserved_bytes=6 * GIB,
        phase="training",
        phases={"training": MemoryPeak(allocated_bytes=5 * GIB, reserved_bytes=6 * GIB)},
        context_bytes=None,
        gpu="NVIDIA L4",
        versions={"torch": "2.13.0"},
    )
    assert decode_event(encode_row(event)) == event


def test_a_kind_of_event_that_a_newer_version_writes_is_no_bad_line() -> None:
    assert decode_event(b'{"event":"telepathy","time":1}') is None


@pytest.mark.parametrize(
    "line", [b'{"event":"memory","time":1}', b'{"time":1}', b'{"event":1}', b"[]", b'{"event":"memo']
)
def test_a_bad_line_stays_a_bad_line(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_event(line)


def test_a_prediction_that_could_not_be_made_says_why_and_has_no_number() -> None:
    written = encode_document(PredictionRecord(time=1.0, problem="The architecture is not known."))
    read = decode_prediction(written)
    assert read.problem == "The architecture is not known."
    assert read.allocated_bytes is read.needed_bytes is read.free_bytes is None
    assert b'"allocated_bytes": null' in written
