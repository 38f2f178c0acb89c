"""The formats of runs that can be watched: a new one is a new file in `sources/` and a line here."""

from __future__ import annotations

from tui_ft.watch.sources.protocol import Format

FORMATS: tuple[Format, ...] = ()


def by_name(name: str) -> Format:
    """The format of this name. Raises KeyError for a name that no format has."""
    return next(form for form in FORMATS if form.name == name)
