"""Event files and `.wandb` files as TensorBoard and W&B write them, byte for byte, without their packages.

TensorBoard: TFRecord frames (length, masked CRC-32C, data, masked CRC-32C) around Event messages. W&B:
LevelDB's log format (blocks of 32 KiB) around Record messages: a history and two summary records a step,
as the client of version 0.31 writes them.

`python tests/foreign_writers.py wandb FOLDER --steps 1000 --rate 2 --seconds 60` makes a run, prints its file
and goes on writing.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import struct
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

START = 1_795_218_804.0
STEP_S = 0.5
TAGS = ("train/loss", "train/grad_norm", "train/learning_rate", "train/entropy")
BLOCK = 32_768


def values(step: int, steps: int, rng: random.Random) -> tuple[float, ...]:
    """A plausible step: falling loss, gradient norm, cosine learning rate, entropy."""
    part = step / max(steps, 1)
    loss = 0.6 + 1.9 * math.exp(-6 * part) + rng.gauss(0, 0.05)
    rate = 1e-4 * 0.5 * (1 + math.cos(math.pi * min(part, 1.0)))
    return loss, abs(rng.gauss(1 - 0.4 * min(part, 1.0), 0.2)), rate, 1.2 + rng.gauss(0, 0.02)


# --- protocol buffers --------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, data: bytes) -> bytes:
    """A field that says its length."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def number_field(number: int, value: int) -> bytes:
    """A field that holds a whole number."""
    return varint(number << 3) + varint(value)


# --- TensorBoard -------------------------------------------------------------------------------------


def _crc_table() -> list[int]:
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return table


_CRC = _crc_table()


def masked_crc(data: bytes) -> int:
    """CRC-32C, turned and shifted as TFRecord wants it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frame(data: bytes) -> bytes:
    """One record of an event file."""
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", masked_crc(head)) + data + struct.pack("<I", masked_crc(data))


def event(wall: float, step: int, summary: bytes) -> bytes:
    """An Event message; a step of 0 is left out, as protocol buffers do."""
    at = number_field(2, step) if step else b""
    return b"\x09" + struct.pack("<d", wall) + at + field(5, summary)


def scalar(tag: str, value: float) -> bytes:
    """A Summary with a simple value."""
    return field(1, field(1, tag.encode()) + b"\x15" + struct.pack("<f", value))


def tensor_scalar(tag: str, value: float, *, is_first: bool) -> bytes:
    """A Summary as TensorFlow 2 writes it: a float tensor; the plugin is named the first time only."""
    tensor = number_field(1, 1) + field(2, b"") + field(4, struct.pack("<f", value))
    metadata = field(9, field(1, field(1, b"scalars"))) if is_first else b""
    return field(1, field(1, tag.encode()) + field(8, tensor) + metadata)


def text(tag: str, words: str) -> bytes:
    """A Summary with a text, as `add_text` writes it."""
    tensor = number_field(1, 7) + field(2, field(2, number_field(1, 1))) + field(8, words.encode())
    return field(1, field(1, tag.encode()) + field(8, tensor) + field(9, field(1, field(1, b"text"))))


class EventFile:
    """An event file that grows. `host` and `pid` stand in its name."""

    def __init__(
        self, folder: Path, *, start: float = START, host: str = "box", pid: int = 1, number: int = 0
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"events.out.tfevents.{int(start)}.{host}.{pid}.{number}"
        self._file = open(self.path, "wb")  # noqa: SIM115 - it stays open while the test writes
        self._file.write(frame(b"\x09" + struct.pack("<d", start) + field(3, b"brain.Event:2")))

    def add(self, wall: float, step: int, summary: bytes) -> None:
        """One event."""
        self._file.write(frame(event(wall, step, summary)))

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> EventFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_events(folder: Path, steps: int, *, tags: Sequence[str] = TAGS, **named: int | str) -> Path:
    """A file of so many steps with a scalar of each tag."""
    rng = random.Random(7)
    with EventFile(folder, **named) as file:  # type: ignore[arg-type]
        for step in range(steps):
            wall = START + step * STEP_S
            for tag, value in zip(tags, values(step, steps, rng), strict=False):
                file.add(wall, step, scalar(tag, value))
    return file.path


# --- W&B ---------------------------------------------------------------------------------------------


class BlockLog:
    """LevelDB's log: records in blocks of 32 KiB, cut where a block ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 7
        file.write(b":W&B\xe1\xbe\x00")

    def write(self, data: bytes) -> None:
        """One record."""
        is_first = True
        while True:
            left = BLOCK - self._at % BLOCK
            if left < 7:
                self._file.write(bytes(left))
                self._at += left
                left = BLOCK
            part, data = data[: left - 7], data[left - 7 :]
            kind = (1 if is_first else 4) if not data else (2 if is_first else 3)
            crc = zlib.crc32(part, zlib.crc32(bytes([kind])))
            self._file.write(struct.pack("<IHB", crc, len(part), kind) + part)
            self._at += 7 + len(part)
            is_first = False
            if not data:
                return


def _items(pairs: Sequence[tuple[str, str]]) -> list[bytes]:
    """History or summary items: a nested key of one part, and the value as JSON."""
    return [field(2, key.encode()) + field(16, value.encode()) for key, value in pairs]


class WandbFile:
    """A `.wandb` file that grows, in the folder that W&B would give it."""

    def __init__(
        self,
        folder: Path,
        name: str = "a1b2c3d4",
        *,
        config: Mapping[str, object] | None = None,
        host: str = "box",
    ) -> None:
        self.folder = folder / f"offline-run-20261121_000000-{name}"
        (self.folder / "files").mkdir(parents=True, exist_ok=True)
        self.path = self.folder / f"run-{name}.wandb"
        self._file = open(self.path, "wb")  # noqa: SIM115 - it stays open while the test writes
        self._log = BlockLog(self._file)
        self._count = 0
        self._step = 0
        settings = {"learning_rate": 1e-4, "_wandb": {}} if config is None else config
        entries = b"".join(
            field(1, field(1, key.encode()) + field(16, json.dumps(value).encode()))
            for key, value in settings.items()
        )
        run = field(1, name.encode()) + field(3, b"bench") + field(4, entries) + field(13, host.encode())
        self.record(17, run + field(17, number_field(1, int(START))))

    def record(self, number: int, body: bytes) -> None:
        """One Record with its number."""
        self._count += 1
        self._log.write(number_field(1, self._count) + field(number, body))

    def log(self, wall: float, pairs: Mapping[str, float | str]) -> None:
        """What `wandb.log` writes: the history, what its summary adds, and the summary."""
        own = [(key, json.dumps(value)) for key, value in pairs.items()]
        runtime = json.dumps(wall - START)
        pairs_ = [("_step", str(self._step)), *own, ("_timestamp", repr(wall)), ("_runtime", runtime)]
        items = _items(pairs_)
        step = field(2, number_field(1, self._step)) if self._step else field(2, b"")
        self.record(2, b"".join(field(1, item) for item in items) + step)
        nested = field(2, b"_wandb") + field(2, b"runtime") + field(16, str(int(wall - START)).encode())
        self.record(3, field(1, nested))
        self.record(3, b"".join(field(1, item) for item in items))
        self._step += 1

    def exit(self, code: int = 0) -> None:
        """The record of the end; a code of 0 is left out, as protocol buffers do."""
        self.record(18, number_field(1, code) if code else b"")

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> WandbFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_wandb(folder: Path, steps: int, *, name: str = "a1b2c3d4", is_finished: bool = True) -> Path:
    """A run of so many steps with four metrics."""
    rng = random.Random(7)
    with WandbFile(folder, name) as file:
        for step in range(steps):
            _log_step(file, step, steps, rng)
        if is_finished:
            file.exit()
    return file.path


def _log_step(file: WandbFile, step: int, steps: int, rng: random.Random) -> None:
    metrics = dict(zip(TAGS, values(step, steps, rng), strict=True))
    file.log(START + step * STEP_S, {**metrics, "train/global_step": step})


# --- live --------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("wandb", "tensorboard"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    wanted = parser.parse_args()
    rng = random.Random(7)
    last = wanted.steps + int(wanted.rate * wanted.seconds)
    file = WandbFile(wanted.folder) if wanted.kind == "wandb" else EventFile(wanted.folder)
    began = time.monotonic()
    for step in range(last):
        if isinstance(file, WandbFile):
            _log_step(file, step, last, rng)
        else:
            for tag, value in zip(TAGS, values(step, last, rng), strict=True):
                file.add(START + step * STEP_S, step, scalar(tag, value))
        if step == wanted.steps:
            sys.stdout.write(f"{file.path}\n")
            sys.stdout.flush()
        if step >= wanted.steps:
            file.flush()
            due = began + (step - wanted.steps + 1) / wanted.rate
            time.sleep(max(0.0, due - time.monotonic()))
    file.close()


if __name__ == "__main__":
    main()
