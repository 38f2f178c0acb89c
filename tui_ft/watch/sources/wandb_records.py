"""The records of a run's `.wandb` file that are no history: who and where, settings, statistics, the end."""

from __future__ import annotations

from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources import setting_values, wandb_message, wire
from tui_ft.watch.sources.neighbours import ADAPTER_KEYS
from tui_ft.watch.sources.pace import newest
from tui_ft.watch.sources.wandb_blocks import Record
from tui_ft.watch.sources.wandb_log import PrintedLog
from tui_ft.watch.sources.wandb_message import (
    CONFIG,
    ENVIRONMENT,
    EXIT,
    OUTPUT,
    OUTPUT_RAW,
    RUN,
    STATS,
)
from tui_ft.watch.sources.wandb_statistics import Statistics
from tui_ft.watch.sources.wire import BYTES, VARINT, WireError

_ENVIRONMENT_NAMES = {6: "program", 11: "root", 12: "host", 18: "gpu"}
"""What is shown of where a run ran; who ran it, and from which repository, is nobody's business."""


KINDS = frozenset({CONFIG, ENVIRONMENT, EXIT, OUTPUT, OUTPUT_RAW, RUN, STATS})


class Records:
    """Takes these records in, one by one."""

    def __init__(self) -> None:
        self.bad_records = 0
        self.run = wandb_message.Run()
        self.settings: dict[str, SettingValue] = {}
        self.statistics = Statistics()
        self.printed = PrintedLog()
        self.exit_code: int | None = None

    def kind_of(self, record: Record) -> int:
        """Which record stands in an outer record; 0 for none that is known."""
        try:
            return wandb_message.kind_of(*record)
        except WireError:
            self.bad_records += 1
            return 0

    def take(self, kind: int, record: Record) -> None:
        """Take a record of this kind, whatever it holds."""
        data, begin, end = record
        try:
            start, stop = wandb_message.body(data, begin, end, kind)
            if kind == STATS:
                self._take_statistics(data, start, stop)
            elif kind in (OUTPUT, OUTPUT_RAW):
                self._take_output(data, start, stop)
            elif kind == CONFIG:
                self._configure(wandb_message.config(data, start, stop))
            elif kind == RUN:
                self.run = wandb_message.run(data, start, stop)
                self.run.started_at = newest((self.run.started_at or 0.0,))
                self._configure(self.run.config)
            elif kind == EXIT:
                self._take_exit(data, start, stop)
            elif kind == ENVIRONMENT:
                self._take_environment(data, start, stop)
        except WireError:
            self.bad_records += 1

    def _configure(self, changes: dict[str, object]) -> None:
        for name, value in setting_values.flat(changes).items():
            if len(self.settings) < setting_values.MOST_SETTINGS:
                self.settings[name] = value
            if name.startswith("peft_config.") and (plain := name.rpartition(".")[2]) in ADAPTER_KEYS:
                self.settings.setdefault(ADAPTER_KEYS[plain], value)

    def _take_statistics(self, data: bytes, start: int, stop: int) -> None:
        moment = None
        for number, kind, a, b in wire.fields(data, start, stop):
            if (number, kind) == (2, BYTES):
                moment = wandb_message.stamp(data, a, b)
        if moment is not None:
            self.statistics.add(moment, list(wandb_message.items(data, start, stop, 3)))

    def _take_output(self, data: bytes, start: int, stop: int) -> None:
        for number, kind, a, b in wire.fields(data, start, stop):
            if (number, kind) == (3, BYTES):
                self.printed.add(wire.text(data, a, b))

    def _take_exit(self, data: bytes, start: int, stop: int) -> None:
        code, is_complete = 0, True
        for number, kind, a, _ in wire.fields(data, start, stop):
            if kind == VARINT and number == 1:
                code = wire.signed(wire.varint(data, a)[0])
            elif kind == VARINT and number == 3:
                is_complete = data[a] == 0
        self.exit_code = code if is_complete else None

    def _take_environment(self, data: bytes, start: int, stop: int) -> None:
        arguments = []
        for number, kind, a, b in wire.fields(data, start, stop):
            if kind == BYTES and number in _ENVIRONMENT_NAMES:
                name = _ENVIRONMENT_NAMES[number]
                self.settings[name] = setting_values.shown(name, wire.text(data, a, b))
            elif (number, kind) == (5, BYTES):
                arguments.append(wire.text(data, a, b))
        if arguments:
            self.settings["args"] = setting_values.shown("args", arguments)
