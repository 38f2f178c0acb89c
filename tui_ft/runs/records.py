"""The row formats of a run directory's files, and the append-only writer that keeps them whole.

Non-finite numbers are data: they are written as the strings "NaN", "Infinity" and "-Infinity", because
JSON has no other way to say them and readers must never mistake them for zero or for "not known".
"""

from __future__ import annotations

import errno
import math
import os
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from tui_ft.health.finding import Evidence

SCHEMA = 1
"""Version of every file of a run directory; a reader accepts a newer one and reads what it knows."""

Status = Literal[
    "queued", "starting", "running", "paused", "stopping", "finished", "stopped", "failed",
    "lost", "quiet", "unknown",
]  # fmt: skip
"""The last three are never written: they are derived when a run directory is read."""

ACTIVE: frozenset[str] = frozenset({"starting", "running", "paused", "stopping"})
ENDED: frozenset[str] = frozenset({"finished", "stopped", "failed"})

Cause = Literal["finished", "stopped", "error", "killed", "cuda_oom", "host_oom", "disk_full", "preempted"]
Phase = Literal[
    "loading libraries", "downloading", "loading model", "preparing data", "sampling", "training",
    "evaluating", "saving", "paused",
]  # fmt: skip
RequestName = Literal["stop", "save", "pause", "continue", "learning_rate", "silence", "budget"]
"""The last two are the supervisor's to carry out, all others the trainer's."""

BEAT_S = 10.0
"""A trainer that lives says so at least this often."""


class ProcessRecord(msgspec.Struct, kw_only=True, frozen=True):
    """A process of the run; `start_time` (clock ticks since boot) tells it from a reuse of its pid."""

    role: Literal["supervisor", "launcher", "trainer"]
    pid: int
    start_time: int
    rank: int = 0
    node: int = 0


class ExitRecord(msgspec.Struct, kw_only=True, frozen=True):
    """How the run ended: exit code or signal, one of the stable causes, and one line for people."""

    cause: Cause
    message: str
    code: int | None = None
    signal: int | None = None


class StateRecord(msgspec.Struct, kw_only=True, frozen=True):
    """`state.json`: written only by the holder of `lock`, always as a whole.

    `name`, `model`, `method`, `tags`, `note` and `total_steps` repeat what spec and trainer say, so that a
    list of a thousand runs reads one small file each; `findings` are the open ones of health.jsonl by code,
    with their level. `silenced` are codes that nobody wants to hear of in this run; `budget` is the money
    after which it saves and stops, in the user's currency.
    """

    schema: int = SCHEMA
    status: Status
    reason: str | None = None
    attempt: int = 1
    name: str = ""
    model: str = ""
    method: str = ""
    tags: list[str] = []
    note: str = ""
    total_steps: int | None = None
    host: str = ""
    boot_id: str = ""
    pid_namespace: str = ""
    gpus: list[str] = []
    processes: list[ProcessRecord] = []
    created_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    exit: ExitRecord | None = None
    stop_requested_by: str | None = None
    findings: dict[str, str] = {}
    silenced: list[str] = []
    budget: float | None = None


class LaunchRecord(msgspec.Struct, kw_only=True, frozen=True):
    """An attempt's `launch.json`: how it came to be, for whoever wants to do it again.

    `run` is where its directory lay, `folder` where the command was given.
    `from_step` is the checkpoint that a resume was told to go on from (None: the newest whole one); `fix` the
    name of the fix that was carried out, `changes` what it changed in the spec. `hours_between_failures` is
    how long the machine is expected to last, and `failures_basis` says by what that is known; `hours_run` and
    `failures` are those of the attempts before, of which the state tells nothing any more; `earlier_ended` is
    when the last of them let go of the machine (unix seconds). `gpus` are those that the attempt was given
    (None: it does not say). `commit` is what git says of `folder`, `is_dirty` whether its tracked files
    differ from that.
    """

    schema: int = SCHEMA
    time: float
    command: list[str] = []
    run: str = ""
    folder: str = ""
    user: str = ""
    version: str = ""
    from_step: int | None = None
    fix: str | None = None
    changes: list[str] = []
    hours_between_failures: float | None = None
    failures_basis: str = ""
    hours_run: float = 0.0
    failures: int = 0
    earlier_ended: float | None = None
    gpus: list[str] | None = None
    commit: str | None = None
    is_dirty: bool | None = None


class PredictionRecord(msgspec.Struct, kw_only=True, frozen=True):
    """An attempt's `prediction.json`: the GPU memory that launch foresaw, in bytes, on the fullest GPU.

    `problem` says why there is none; every number is None then. `seq_length` is the longest row that was
    taken for granted, `free_bytes` what the chosen GPU had left. The words are those of `tui-ft estimate`.
    """

    schema: int = SCHEMA
    time: float
    problem: str | None = None
    method: str = ""
    parameters: int | None = None
    trainable_parameters: int | None = None
    seq_length: int | None = None
    batch_size: int | None = None
    parts_bytes: dict[str, int] = {}
    allocated_bytes: int | None = None
    needed_bytes: int | None = None
    nvidia_smi_bytes: int | None = None
    low_bytes: int | None = None
    high_bytes: int | None = None
    context_bytes: int | None = None
    basis: str | None = None
    validated: bool | None = None
    peak_phase: str | None = None
    gpu: str | None = None
    capability: str | None = None
    total_bytes: int | None = None
    free_bytes: int | None = None
    verdict: Literal["fits", "tight", "does_not_fit", "unknown"] = "unknown"
    notes: list[str] = []


class RequestRecord(msgspec.Struct, kw_only=True, frozen=True):
    """A file in `control/`: what is asked of the run, by whom, and when.

    `value` is a learning rate or a budget, `text` the code of a finding to be silenced.
    """

    schema: int = SCHEMA
    request: RequestName
    time: float
    by: str
    value: float | None = None
    text: str | None = None
    now: bool = False


# --- events.jsonl: one struct a kind, told apart by the field `event` ---------------------------


class Event(msgspec.Struct, kw_only=True, frozen=True, tag_field="event"):
    """What every event has: when it happened (unix seconds)."""

    time: float


class RejectedCheckpoint(msgspec.Struct, kw_only=True, frozen=True):
    path: str
    reason: str


class AttemptEvent(Event, kw_only=True, frozen=True, tag="attempt"):
    """An attempt opens: its number, and the checkpoint and step that it goes on from."""

    attempt: int
    checkpoint: str | None = None
    step: int = 0
    rejected: list[RejectedCheckpoint] = []
    pid: int | None = None


class PhaseEvent(Event, kw_only=True, frozen=True, tag="phase"):
    """A phase begins. `total_steps` is known from the first "training" on."""

    phase: Phase
    step: int | None = None
    total_steps: int | None = None
    detail: str | None = None


class BeatEvent(Event, kw_only=True, frozen=True, tag="beat"):
    """The trainer lives; `done` of `total` in `unit` (bytes, rows, batches, tokens) where it is counted."""

    phase: Phase
    step: int | None = None
    done: int | None = None
    total: int | None = None
    unit: str | None = None


class CheckpointEvent(Event, kw_only=True, frozen=True, tag="checkpoint"):
    """A checkpoint is whole: every file with its size, proved before the rename that made it visible.

    `seconds` is how long it took in all, `blocked_s` how long the training stood still for it.
    """

    step: int
    path: str
    bytes: int
    files: dict[str, int]
    seconds: float
    blocked_s: float | None = None
    eval_loss: float | None = None
    removed: list[str] = []


class SampleEvent(Event, kw_only=True, frozen=True, tag="sample"):
    """A greedy answer before or after training; `prompt` is the text that the model really saw."""

    when: Literal["before", "after"]
    step: int
    index: int
    prompt: str
    answer: str
    expected: str | None = None
    max_new_tokens: int = 0
    messages: list[dict[str, str]] | None = None


class WarningEvent(Event, kw_only=True, frozen=True, tag="warning"):
    """Something that a person should know; `evidence` holds the numbers and words behind it, named."""

    code: str
    message: str
    step: int | None = None
    evidence: Evidence = {}


class RequestEvent(Event, kw_only=True, frozen=True, tag="request"):
    """A request was carried out at `step`."""

    request: RequestName
    step: int
    by: str | None = None
    value: float | None = None


class MemoryPeak(msgspec.Struct, kw_only=True, frozen=True):
    """Peaks of the caching allocator, in bytes: of live tensors, and of what it holds of the GPU."""

    allocated_bytes: int
    reserved_bytes: int


class MemoryEvent(Event, kw_only=True, frozen=True, tag="memory"):
    """The GPU memory of this attempt so far, in bytes; each is a running maximum, so the last event counts.

    It is written on CUDA only. `phases` holds the peaks phase by phase, `phase` is the one in which
    `allocated_bytes` was reached. `context_bytes` is what the process holds beside the allocator: NVML's
    figure of the process less the reserved bytes or, where NVML shows no process, of the whole GPU less
    what it held before; None where neither can be told. `longest_row` is the padded length of the longest
    batch trained on. What it was measured on stands beside it, for it holds there only.
    """

    step: int
    allocated_bytes: int
    reserved_bytes: int
    phase: Phase
    phases: dict[str, MemoryPeak]
    context_bytes: int | None = None
    longest_row: int | None = None
    gpu: str = ""
    total_bytes: int | None = None
    driver: str | None = None
    versions: dict[str, str] = {}


class EndEvent(Event, kw_only=True, frozen=True, tag="end"):
    """The trainer's own last word. `usage` is the Python that loads the result, line by line."""

    cause: Cause
    message: str
    step: int
    result: str | None = None
    result_bytes: int | None = None
    usage: str | None = None


AnyEvent = (
    AttemptEvent | PhaseEvent | BeatEvent | CheckpointEvent | SampleEvent | WarningEvent
    | RequestEvent | MemoryEvent | EndEvent
)  # fmt: skip


class _AnyKind(msgspec.Struct):
    event: str


# --- hardware.jsonl ------------------------------------------------------------------------------


class GpuSample(msgspec.Struct, kw_only=True, frozen=True):
    """One GPU at one moment; every reading may be missing by itself."""

    index: int
    uuid: str
    name: str = ""
    used_bytes: int | None = None
    total_bytes: int | None = None
    utilization: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    throttle: str | None = None


class HardwareRow(msgspec.Struct, kw_only=True, frozen=True):
    """What the supervisor saw: the run's GPUs, the trainer's resident memory, the box's memory and disk.

    `memory_limit_bytes` is the cgroup's limit where there is one, else the box's RAM;
    `memory_used_bytes` is measured against the same.
    """

    time: float
    gpus: list[GpuSample] = []
    gpu_problem: str | None = None
    trainer_rss_bytes: int | None = None
    memory_used_bytes: int | None = None
    memory_limit_bytes: int | None = None
    disk_free_bytes: int | None = None
    inodes_free: int | None = None
    inodes_total: int | None = None


_EVENT_DECODER = msgspec.json.Decoder(AnyEvent)
_EVENT_KINDS = frozenset(kind.__struct_config__.tag for kind in AnyEvent.__args__)
_KIND_DECODER = msgspec.json.Decoder(_AnyKind)
_PREDICTION_DECODER = msgspec.json.Decoder(PredictionRecord)
_HARDWARE_DECODER = msgspec.json.Decoder(HardwareRow)
_METRIC_DECODER = msgspec.json.Decoder(dict[str, Any])
_STATE_DECODER = msgspec.json.Decoder(StateRecord)
_REQUEST_DECODER = msgspec.json.Decoder(RequestRecord)
_ENCODER = msgspec.json.Encoder()
_LARGEST_WHOLE = 2**63
_T = TypeVar("_T")

_NONFINITE: dict[str, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def finite_or_word(value: float) -> float | str:
    """Return `value`, or the word that stands for it in JSON when it is not finite."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def number(value: object) -> float | None:
    """Return a metric's value as a float: numbers as they are, the three words as what they mean."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    return _NONFINITE.get(value) if isinstance(value, str) else None


def encode_row(row: Mapping[str, Any] | msgspec.Struct) -> bytes:
    """Encode one row without its newline; non-finite floats become words."""
    fields: dict[str, Any]
    fields = dict(row) if isinstance(row, Mapping) else msgspec.to_builtins(row)
    for key, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            fields[key] = finite_or_word(value)
    return _ENCODER.encode(fields)


def _decode(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T:
    """Decode what anybody may have written; whatever is wrong with it is a `msgspec.DecodeError`."""
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"no JSON that can be read: {type(error).__name__}") from error


def _bounded(record: _T) -> _T:
    """Return a record as it is. Raises `msgspec.ValidationError` for a whole number beyond any count."""
    if isinstance(record, int):
        if not -_LARGEST_WHOLE < record < _LARGEST_WHOLE:
            raise msgspec.ValidationError("a number beyond any count")
    elif isinstance(record, (list, dict)):
        for item in record.values() if isinstance(record, dict) else record:
            _bounded(item)
    elif isinstance(record, msgspec.Struct):
        for name in record.__struct_fields__:
            _bounded(getattr(record, name))
    return record


def decode_event(line: bytes) -> AnyEvent | None:
    """Decode a row of events.jsonl; None for a kind that a newer version writes.

    Raises `msgspec.DecodeError` for a bad one.
    """
    try:
        event: AnyEvent = _decode(_EVENT_DECODER, line)
    except msgspec.ValidationError:
        if _decode(_KIND_DECODER, line).event in _EVENT_KINDS:
            raise
        return None
    return _bounded(event)


def decode_hardware(line: bytes) -> HardwareRow:
    """Decode a row of hardware.jsonl. Raises `msgspec.DecodeError`."""
    return _bounded(_decode(_HARDWARE_DECODER, line))


def decode_metrics(line: bytes) -> dict[str, Any]:
    """Decode a row of metrics.jsonl; see `number` for its values. Raises `msgspec.DecodeError`."""
    return _decode(_METRIC_DECODER, line)


def decode_state(data: bytes) -> StateRecord:
    """Decode state.json. Raises `msgspec.DecodeError`."""
    return _bounded(_decode(_STATE_DECODER, data))


def decode_request(data: bytes) -> RequestRecord:
    """Decode a control file. Raises `msgspec.DecodeError`."""
    return _bounded(_decode(_REQUEST_DECODER, data))


def decode_prediction(data: bytes) -> PredictionRecord:
    """Decode an attempt's prediction. Raises `msgspec.DecodeError`."""
    return _bounded(_decode(_PREDICTION_DECODER, data))


def encode_document(record: msgspec.Struct | Mapping[str, Any]) -> bytes:
    """Encode a whole file (state, request, report) as indented JSON with a newline at its end."""
    return msgspec.json.format(encode_row(record), indent=1) + b"\n"


class JsonLinesWriter:
    """Appends rows to a JSONL file, one `write` each, and never lets a full disk end the run.

    Rows that the disk refuses wait in a bounded buffer, oldest first; what the buffer cannot hold is
    counted in `dropped`. A torn tail left by a killed predecessor is closed with a newline, and the
    first row of an empty file carries `schema`.
    """

    BUFFERED_ROWS = 10_000

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dropped = 0
        self._waiting: deque[bytes] = deque()
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._descriptor).st_size
        self._is_first = size == 0
        self._is_torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def fileno(self) -> int:
        """The descriptor, for whoever locks the file against a second writer."""
        return self._descriptor

    def write(self, row: Mapping[str, Any] | msgspec.Struct) -> None:
        """Append one row; on a full disk or quota it waits for room instead of raising."""
        data = encode_row(row)
        if self._is_first:
            data = b'{"schema":%d,' % SCHEMA + data[1:]
            self._is_first = False
        data += b"\n"
        if self._waiting or not self._put(data):
            if len(self._waiting) >= self.BUFFERED_ROWS:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(data)
            self.flush()

    def flush(self) -> bool:
        """Try to write the waiting rows; True when none is left."""
        while self._waiting:
            if not self._put(self._waiting[0]):
                return False
            self._waiting.popleft()
        return True

    def _put(self, data: bytes) -> bool:
        if self._is_torn:
            data = b"\n" + data
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise
        if written == len(data):
            self._is_torn = False
            return True
        self._is_torn = True  # a part of the row reached the disk: it stays behind as a bad line
        return False

    def close(self) -> None:
        """Close the file; rows that still find no room are counted in `dropped`."""
        if not self.flush():
            self.dropped += len(self._waiting)
            self._waiting.clear()
        os.close(self._descriptor)


def complete_lines(data: bytes) -> Iterator[bytes]:
    """Yield the non-empty lines of `data` that end in a newline; a torn tail is not yet a line."""
    end = data.rfind(b"\n")
    for line in data[: end + 1].split(b"\n"):
        if line.strip():
            yield line
