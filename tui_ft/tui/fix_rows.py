"""The fixes that are offered, line by line; a screen that only asks whether there is one needs no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui_ft.health.finding import Fix
from tui_ft.watch.reading import Reading

if TYPE_CHECKING:
    from tui_ft.watch.post_mortem import PostMortem


class FixRow(NamedTuple):
    """A line of the fixes: of an open finding (its code), or of the end (""). None: nothing to change."""

    code: str
    fix: Fix | None


def fix_rows(reading: Reading, post: PostMortem | None) -> list[FixRow]:
    """What can be done, best first; a finding without a fix has a line, so that it can be silenced."""
    rows: list[FixRow] = []
    if post is not None:
        by_fix = {_same(fix): finding.code for finding in reading.findings for fix in finding.fixes}
        return [FixRow(by_fix.get(_same(fix), ""), fix) for fix in post.fixes]
    for finding in reading.findings:
        rows += [FixRow(finding.code, fix) for fix in finding.fixes] or [FixRow(finding.code, None)]
    return rows


def _same(fix: Fix) -> tuple[str, str, tuple[str, ...]]:
    return fix.name, fix.how, tuple(fix.changes)
