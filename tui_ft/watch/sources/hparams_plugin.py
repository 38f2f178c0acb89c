"""Settings of TensorBoard's hparams plugin (tensorboard/plugins/hparams/plugin_data.proto)."""

from __future__ import annotations

import struct

from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources import setting_values, wire
from tui_ft.watch.sources.wire import BYTES, FIXED64, VARINT, WireError

_SESSION_START, _HPARAMS, _KEY, _VALUE = 3, 1, 1, 2
_NUMBER, _STRING, _BOOL = 2, 3, 4


def settings_of(content: bytes) -> dict[str, SettingValue]:
    """The hyperparameters in the plugin's content; none where it holds something else."""
    found: dict[str, SettingValue] = {}
    try:
        for number, kind, start, stop in wire.fields(content):
            if (number, kind) == (_SESSION_START, BYTES):
                for inner, inner_kind, a, b in wire.fields(content, start, stop):
                    if (inner, inner_kind) == (_HPARAMS, BYTES) and len(found) < setting_values.MOST_SETTINGS:
                        name, value = _entry(content, a, b)
                        found[name] = setting_values.shown(name, value)
    except WireError:
        return found
    return found


def _entry(data: bytes, begin: int, end: int) -> tuple[str, SettingValue]:
    name, value = "", None
    for number, kind, start, stop in wire.fields(data, begin, end):
        if (number, kind) == (_KEY, BYTES):
            name = wire.text(data, start, stop)
        elif (number, kind) == (_VALUE, BYTES):
            value = _value(data, start, stop)
    return name, value


def _value(data: bytes, begin: int, end: int) -> SettingValue:
    """A google.protobuf.Value that is a number, a text or a truth."""
    for number, kind, start, stop in wire.fields(data, begin, end):
        if (number, kind) == (_NUMBER, FIXED64):
            value: float = struct.unpack_from("<d", data, start)[0]
            return int(value) if value.is_integer() and abs(value) < 1e15 else value
        if (number, kind) == (_STRING, BYTES):
            return wire.text(data, start, stop)
        if (number, kind) == (_BOOL, VARINT):
            return bool(data[start])
    return None
