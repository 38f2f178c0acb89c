"""What a case builds into the processes that are forked for it: instants between two operations on files,
the ledger of what was synced, a loss that is no number, a hunger for memory, a clock that is moved.

It is set in the parent before the fork and travels with the memory.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.ledger import Ledger

_WRITES = os.O_WRONLY | os.O_RDWR
_OPERATIONS = frozenset({"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate"})


@dataclass
class Rig:
    """`die_at` is the operation on files, counted from the first below `die_below`, before which `die_role`
    kills itself; only in attempt `attempt`. `nan_steps` are the steps whose loss is no number; at step
    `hungry_step` the trainer asks for `hungry_bytes`.
    """

    attempt: int = 1
    die_role: str = ""
    die_below: str = ""
    die_at: int = 0
    die_signal: int = signal.SIGKILL
    nan_steps: frozenset[int] = frozenset()
    hungry_step: int = 0
    hungry_bytes: int = 0
    oom_score: int = 0
    ledger: Ledger | None = None
    clock: Clock | None = None
    counts: Path | None = None
    """Where to write how many operations each role did: for the undisturbed run."""


class Clock:
    """A clock that all processes forked after its making share, and that can be moved while they run."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 8)
        self._real, self._real_ns = time.time, time.time_ns

    @property
    def shift_s(self) -> float:
        return float(struct.unpack("d", self._shared[:8])[0])

    def move(self, seconds: float) -> None:
        self._shared[:8] = struct.pack("d", seconds)

    def now(self) -> float:
        return self._real() + self.shift_s

    def install(self) -> None:
        time.time = self.now
        time.time_ns = lambda: self._real_ns() + int(self.shift_s * 1e9)


BELOW = {"trainer": "/checkpoints/", "supervisor": "/runs/", "launcher": "/runs/"}
"""Where the operations of each role are counted from the first one on."""

current = Rig()
"""The rig of this case."""


def enter(role: str, note: Callable[[str, int], None], attempt: int = 0) -> None:
    """Called in a forked process before the product's own code begins."""
    note(role, attempt)
    if current.clock is not None:
        current.clock.install()
    if current.ledger is not None:
        current.ledger.install()
    if current.oom_score and role == "trainer":
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(current.oom_score))
    if current.die_role in (role, "any") and attempt in (0, current.attempt):
        _count_operations(role)
    if role == "trainer" and attempt == current.attempt:
        _poison()


def _count_operations(role: str) -> None:
    """Die before the n-th operation on files. Threads count too: a save may run in one."""
    rig, left, began, me = current, [current.die_at], [False], os.getpid()
    below = BELOW[role] if rig.die_role == "any" else rig.die_below
    book = -1
    if rig.counts is not None:
        rig.counts.mkdir(exist_ok=True)
        book = os.open(rig.counts / role, os.O_WRONLY | os.O_CREAT, 0o600)

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _OPERATIONS or os.getpid() != me:  # hooks are inherited, and cannot be taken off
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & _WRITES):
            return
        if not began[0]:
            began[0] = any(
                isinstance(part, (str, bytes)) and below in os.fsdecode(part) for part in arguments
            )
        if began[0]:
            _down()

    def _down() -> None:
        left[0] -= 1
        if book >= 0:
            os.pwrite(book, b"%d" % (rig.die_at - left[0]), 0)
        if left[0] <= 0:
            os.kill(os.getpid(), rig.die_signal)
            left[0] = 1 << 30

    def sync(descriptor: int, real: Callable[[int], None] = os.fsync) -> None:
        if began[0] and os.getpid() == me:
            _down()
        real(descriptor)

    os.fsync = sync  # type: ignore[assignment]
    sys.addaudithook(look)


def _poison() -> None:
    """A loss that is no number, or a hunger for memory, in the step that the rig names."""
    rig = current
    if not rig.nan_steps and not rig.hungry_step:
        return
    import torch
    from transformers import Trainer
    from trl import SFTTrainer

    owner = SFTTrainer if "compute_loss" in vars(SFTTrainer) else Trainer
    real = owner.compute_loss
    eaten: list[Any] = []

    def compute_loss(self: Any, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        out = real(self, model, inputs, *rest, **named)
        step = self.state.global_step + 1
        if not model.training:
            return out
        if rig.hungry_step == step and not eaten:
            eaten.append(torch.ones(rig.hungry_bytes, dtype=torch.uint8))
        if step in rig.nan_steps:
            bad = float("nan")
            return (out[0] * bad, *out[1:]) if isinstance(out, tuple) else out * bad
        return out

    owner.compute_loss = compute_loss
