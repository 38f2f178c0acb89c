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


WRITTEN_EVENT = (
    b'{"event":"memory","time":1790000000.5,"step":3,"allocated_bytes":5368709120,'
    b'"reserved_bytes":6442450944,"phase":"training","phases":{"loading model":{"allocated_bytes":4294967296,'
    b'"reserved_bytes":4294967296},"training":{"allocated_bytes":5368709120,"reserved_bytes":6442450944}},'
    b'"context_bytes":536870912,"longest_row":512,"gpu":"NVIDIA L4","total_bytes":24000000000,'
    b'"driver":"570.86.15","versions":{"torch":"2.13.0"}}'
)
"""A row and a file of schema 1 as they were first written: they are read for good."""

WRITTEN_PREDICTION = (
    b'{"schema":1,"time":1790000000.0,"problem":null,"method":"qlora","parameters":8190735360,'
    b'"trainable_parameters":43646976,"seq_length":2048,"batch_size":4,"parts_bytes":{"weights":6,"adapter":1},'
    b'"allocated_bytes":7,"needed_bytes":9,"nvidia_smi_bytes":10,"low_bytes":8,"high_bytes":11,'
    b'"context_bytes":1,"basis":"closed_form","validated":true,"peak_phase":"backward","gpu":"NVIDIA L4",'
    b'"capability":"8.9","total_bytes":24000000000,"free_bytes":23000000000,"verdict":"fits",'
    b'"notes":["One sentence."]}'
)


def test_what_was_written_first_is_read_for_good() -> None:
    event, made = decode_event(WRITTEN_EVENT), decode_prediction(WRITTEN_PREDICTION)
    assert isinstance(event, MemoryEvent)
    assert (event.phase, event.context_bytes, event.longest_row) == ("training", GIB // 2, 512)
    assert event.phases["loading model"].allocated_bytes == 4 * GIB
    assert msgspec.json.decode(encode_row(event)) == msgspec.json.decode(WRITTEN_EVENT)
    assert msgspec.json.decode(encode_document(made)) == msgspec.json.decode(WRITTEN_PREDICTION)


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
