"""The checks of the data sets, one after the other in a thread: how far they are, and how to stop them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft.tui.actions import sentence
from tui_ft.tui.wizard import data_tokenizer
from tui_ft.tui.wizard.data_desk import Basis, DataDesk
from tui_ft.tui.wizard.data_sets import Source

if TYPE_CHECKING:
    from tui_ft.data.findings import Findings
    from tui_ft.data.gate import Progress
    from tui_ft.data.tokenizer import FileTokenizer

LOOK_EVERY_S = 0.5
"""So often the progress of a check is drawn: the most that two updates a second allow."""

LARGE_BYTES = 8 << 20
"""Tokens of a larger file are counted in a second pass: it takes some ten seconds and more."""


@dataclass(frozen=True)
class HowFar:
    """What a running check has read; `share` is None where the size is not known.

    `is_second`: the rows were checked before, now their tokens are counted.
    """

    rows: int
    usable: int
    share: float | None
    is_second: bool


class Check:
    """One check of one data set, which rests on `basis`; without a `tokenizer` it counts no tokens.

    `run` blocks; everything else may be called from the event loop.
    """

    def __init__(
        self,
        desk: DataDesk,
        source: Source,
        basis: Basis,
        tokenizer: FileTokenizer | None,
        *,
        is_second: bool = False,
    ) -> None:
        data = desk.data
        self.source = source
        self.basis = basis
        self.how_far: HowFar | None = None
        self._options: dict[str, Any] = {
            "columns": source.columns,
            "format": source.format,
            "tokenizer": tokenizer,
            "max_length": data.max_length,
            "train_on": data.train_on,
            "eval_path": data.eval if not source.is_eval else None,
        }
        self._is_second = is_second
        self._stop = threading.Event()

    def stop(self) -> None:
        """End it soon; what it has found by then counts."""
        self._stop.set()

    def run(self) -> Findings:
        """Read the whole data set; that nothing of it can be read is a finding, too."""
        from tui_ft.data import gate
        from tui_ft.data.read import UnreadableError

        try:
            return gate.check(self.source.key, progress=self._note, **self._options)
        except UnreadableError as error:
            return gate.unreadable(self.source.key, error)

    def _note(self, progress: Progress) -> None:
        from tui_ft.data import gate

        total = progress.total_bytes
        share = min(progress.bytes_read / total, 1.0) if total else None
        self.how_far = HowFar(progress.rows, progress.so_far.usable_rows, share, self._is_second)
        if self._stop.is_set():
            raise gate.Stop


class Checks:
    """Checks what is due. `told` is called on the event loop when there is something new to be shown."""

    def __init__(self, desk: DataDesk, told: Callable[[], None]) -> None:
        self._desk = desk
        self._told = told
        self.running: Check | None = None

    async def all(self) -> None:
        """Load the tokenizer, then check every data set whose check is missing or out of date.

        Cancelled, it stops the check that runs and forgets it.
        """
        desk = self._desk
        model = desk.draft.spec.model
        loaded = desk.known.loaded
        if loaded.name != data_tokenizer.name_of(model) or loaded.can_be_fetched:
            desk.known.loaded = await asyncio.to_thread(data_tokenizer.load, model)
            self._told()
        while (source := await asyncio.to_thread(desk.due)) is not None:
            await self._one(source)
            self._told()

    async def _one(self, source: Source) -> None:
        desk = self._desk
        basis = await asyncio.to_thread(desk.basis, source)
        try:
            looked_at = await self._look(source, basis)
            if looked_at is not None and (looked_at.is_partial or looked_at.refusal):
                found = looked_at  # it was stopped, or no token of it will ever be trained
            else:
                found = await self._run(
                    Check(desk, source, basis, desk.tokenizer, is_second=looked_at is not None)
                )
            desk.keep(source, basis, looked_at if looked_at is not None and found.is_partial else found)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            desk.keep(source, basis, None, sentence(error))

    async def _look(self, source: Source, basis: Basis) -> Findings | None:
        """Check a large file without its tokens first, in a fraction of the time; None where that is done.

        What was found shows at once, and stays when the counting of the tokens is stopped.
        """
        desk = self._desk
        plain = await asyncio.to_thread(desk.basis, source, counts=False)
        if plain == basis or plain in desk.known.checked:
            return None
        if await asyncio.to_thread(_size, source.key) < LARGE_BYTES:
            return None
        found = await self._run(Check(desk, source, basis, None))
        desk.keep(source, plain, found)
        self._told()
        return found

    async def _run(self, check: Check) -> Findings:
        """Carry out one check in a thread, and tell how far it is. Cancelled, it stops the check."""
        self.running = check
        work = asyncio.ensure_future(asyncio.to_thread(check.run))
        work.add_done_callback(_heard)
        self._told()
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=LOOK_EVERY_S)
                self._told()
            return work.result()
        finally:
            check.stop()
            if self.running is check:  # another one may run already
                self.running = None

    @property
    def is_current(self) -> bool:
        """True while a check runs that rests on what is so now: no other one is needed in its place."""
        check = self.running
        return check is not None and self._desk.basis(check.source) == check.basis

    def stop(self) -> bool:
        """End the check that runs, with what it has found; False when none does."""
        if self.running is None:
            return False
        self.running.stop()
        return True


def _size(key: str) -> int:
    try:
        return Path(key).stat().st_size
    except OSError:
        return 0


def _heard(work: asyncio.Future[Any]) -> None:
    """Take note of how a check ended that nobody waits for any more: another one took its place."""
    if not work.cancelled():
        work.exception()
