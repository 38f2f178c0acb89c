"""Whether a file says that its run ended well, found out otherwise than by the readers."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foreign_writers import BLOCK, masked_crc

_SUMMARY = re.compile(rb"\{[^{}]*(?:train_runtime|total_flos)[^}]*\}", re.DOTALL)
_ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")
_WORDS = (
    b"Training completed", b"stopped: `max_", b"` reached", b"***** train metrics *****",
)  # fmt: skip


def may_be_finished(format_name: str, file: Path) -> bool:
    """True when the mark of a good end stands whole in `file`; databases and MLflow are looked at loosely."""
    data = file.read_bytes() if file.is_file() else b""
    return _LOOKS[format_name](data, file)


def _state(data: bytes, file: Path) -> bool:
    beside = [
        file,
        *file.parent.glob("checkpoint-*/trainer_state.json"),
        *file.parent.glob("trainer_state.json"),
    ]
    return any(_state_ends(one.read_bytes()) for one in beside if one.is_file())


def _state_ends(data: bytes) -> bool:
    try:
        state = json.JSONDecoder().raw_decode(data.decode("utf-8", errors="replace").lstrip(" \t\r\n"))[0]
    except (ValueError, RecursionError):
        return False
    if not isinstance(state, dict):
        return False
    rows = state.get("log_history")
    if isinstance(rows, list) and any(
        isinstance(row, dict) and {"train_runtime", "total_flos"} & row.keys() for row in rows
    ):
        return True
    step, most = _number(state.get("global_step")), _number(state.get("max_steps"))
    if step is not None and most and step >= most:
        return True
    return b'"should_training_stop": true' in data


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _stdout(data: bytes, file: Path) -> bool:
    data = _ESCAPES.sub(b"", data).translate(None, bytes(range(32)))
    return _SUMMARY.search(data) is not None or any(words in data for words in _WORDS)


def _llamafactory(data: bytes, file: Path) -> bool:
    """A row without a loss after rows with one; or results beside."""
    if any((file.parent / f"{kind}_results.json").exists() for kind in ("all", "train", "predict")):
        return True
    rows = []
    for line in data.split(b"\n"):
        try:
            rows.append(json.loads(line.decode("utf-8", errors="replace")))
        except (ValueError, RecursionError):
            continue
    known = [row for row in rows if isinstance(row, dict) and "current_steps" in row]
    return any(not {"loss", "eval_loss", "predict_loss", "reward"} & row.keys() for row in known)


def _events(data: bytes, file: Path) -> bool:
    """A whole record with the tag of the summary, in the one file or those beside it."""
    beside = [one for one in sorted(file.parent.rglob("*tfevents*")) if one != file and one.is_file()]
    return any(_holds_summary(one) for one in (data, *(other.read_bytes() for other in beside)))


def _holds_summary(data: bytes) -> bool:
    at = data.find(b"train_runtime")
    while at >= 0:
        for begin in range(max(at - 4_000, 0), at - 11):
            size = int.from_bytes(data[begin : begin + 8], "little")
            if at < begin + 12 + size <= len(data) - 4 and size < 4_000:
                record = data[begin + 12 : begin + 12 + size]
                if struct.pack("<I", masked_crc(record)) == data[begin + 12 + size : begin + 16 + size]:
                    return True
        at = data.find(b"train_runtime", at + 1)
    return False


def _wandb(data: bytes, file: Path) -> bool:
    for record in _records(data):
        if b"train_runtime" in record:
            return True
        at = 0
        while at < len(record):  # the outer record: number, then one message
            key, at = _varint(record, at)
            if key >> 3 == 18:
                return True
            size, at = _varint(record, at)
            at += size if key & 7 == 2 else 0
            if key & 7 not in (0, 2):
                break
    return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data):
        number |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            break
    return number, at


def _records(data: bytes) -> Iterator[bytes]:
    """Records whose pieces are whole, from block to block."""
    held = b""
    for block in range(0, len(data), BLOCK):
        piece, at = data[block : block + BLOCK], 7 if block == 0 else 0
        while at + 7 <= len(piece):
            crc, size, kind = struct.unpack_from("<IHB", piece, at)
            body = piece[at + 7 : at + 7 + size]
            if len(body) < size or zlib.crc32(body, zlib.crc32(bytes([kind]))) != crc:
                break
            held = body if kind in (1, 2) else held + body
            if kind in (1, 4):
                yield held
            at += 7 + size


def _mlflow(data: bytes, file: Path) -> bool:
    if file.suffix == ".db":
        return b"FINISHED" in data or b"train_runtime" in data
    metas = [
        one
        for one in (*file.parent.glob("meta.yaml"), *(up / "meta.yaml" for up in file.parents[:4]))
        if one.is_file()
    ]
    return any(
        re.search(rb"status: *['\"]?(3|FINISHED)", one.read_bytes()) for one in metas
    ) or "train_runtime" in str(file)


_LOOKS = {
    "hf_trainer_state": _state,
    "stdout": _stdout,
    "llamafactory": _llamafactory,
    "tensorboard": _events,
    "wandb": _wandb,
    "lightning_csv": lambda data, file: False,
    "torchtune": lambda data, file: False,
    "mlflow": _mlflow,
    "trackio": lambda data, file: b"train_runtime" in data,
}  # fmt: skip
