"""What the Data step has before it: its data sets, what their check found, and whether it may go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tui_ft.data.findings import Findings
from tui_ft.data.formats import SFT_FORMATS
from tui_ft.guide.volume import key_of
from tui_ft.spec.learning import DataSection
from tui_ft.tui.wizard.data_sets import DataSets, Source
from tui_ft.tui.wizard.data_tokenizer import Loaded
from tui_ft.tui.wizard.draft import Draft

if TYPE_CHECKING:
    from tui_ft.data.tokenizer import FileTokenizer

Basis = tuple[object, ...]
"""All that the findings of a check depend on; another basis means: check again."""


class Known:
    """What was found out for one draft, and is not worth to be written down with it.

    `checked` are the bases of the checks that were made; `problems` says, by the data set's key, why a
    check could not be made.
    """

    def __init__(self) -> None:
        self.loaded = Loaded("")
        self.problems: dict[str, str] = {}
        self.checked: set[Basis] = set()


_KNOWN: WeakKeyDictionary[Draft, Known] = WeakKeyDictionary()
"""Each draft's own, for as long as the draft is there: a step that is opened again checks nothing twice."""


class DataDesk:
    """The state of the step, kept in the draft. Nothing here blocks (but for a look at a path) or draws."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.sets = DataSets(draft)
        self.known = _KNOWN.setdefault(draft, Known())
        self._at = 0

    @property
    def tokenizer(self) -> FileTokenizer | None:
        """The tokenizer of the draft's model, where it is on this disk."""
        return self.known.loaded.tokenizer

    @property
    def data(self) -> DataSection:
        return self.draft.spec.data

    # --- the data set that is looked at --------------------------------------------------------------

    @property
    def at(self) -> int:
        """Its place among all of them."""
        return max(min(self._at, len(self.sets.all) - 1), 0)

    @property
    def source(self) -> Source | None:
        """None where there are no data yet."""
        found = self.sets.all
        return found[self.at] if found else None

    def turn(self, by: int) -> None:
        """Look at the one that is `by` places further."""
        self._at = (self.at + by) % max(len(self.sets.all), 1)

    def look_at(self, index: int) -> None:
        self._at = index

    @property
    def findings(self) -> Findings | None:
        """What its check found."""
        return self.findings_of(self.source)

    def findings_of(self, source: Source | None) -> Findings | None:
        """What the check of `source` found, however long ago."""
        return self.draft.findings.get(source.key) if source else None

    @property
    def can_be_written(self) -> bool:
        """True where the trainer refuses the file, and would take one with its usable rows."""
        found, source = self.findings, self.source
        is_bad = bool(source and found and found.refusal and found.usable_rows)
        return is_bad and found is not None and found.format in SFT_FORMATS

    # --- the checks ----------------------------------------------------------------------------------

    def basis(self, source: Source, *, counts: bool = True) -> Basis:
        """What a check of `source` would rest on now, where it `counts` tokens if it can."""
        counts = counts and self.tokenizer is not None
        other = self.data.eval if not source.is_eval else None
        columns = tuple(sorted((source.columns or {}).items()))
        return (
            source.key, _stamp(source.key), source.is_eval, source.format, columns,
            self.known.loaded.name if counts else "", self.data.max_length if counts else None,
            self.data.train_on, _stamp(key_of(other)) if other else None,
        )  # fmt: skip

    def due(self) -> Source | None:
        """The first data set whose check is missing or out of date; before others the one looked at."""
        found = self.sets.all
        first = [*found[self.at :], *found[: self.at]]
        return next((one for one in first if one.is_here and self.basis(one) not in self.known.checked), None)

    def keep(self, source: Source, basis: Basis, findings: Findings | None, problem: str = "") -> None:
        """Note what a check of `source` found, or why it could not be made."""
        self.known.checked.add(basis)
        self.known.problems[source.key] = problem
        if findings is None:
            self.draft.findings.pop(source.key, None)
        else:
            self.draft.findings[source.key] = findings
        self.draft.touch()

    def forget(self) -> None:
        """Let every data set be checked again."""
        self.known.checked.clear()

    # --- may it go on --------------------------------------------------------------------------------

    def refusal(self) -> str:
        """Why the run cannot be trained on these data; "" when it can."""
        if not self.sets.learnt:
            return "Choose the data first."
        for source in self.sets.all:
            if reason := self.refusal_of(source):
                return f"{source.name}: {reason}" if len(self.sets.all) > 1 else reason
        return ""

    def refusal_of(self, source: Source) -> str:
        """Why the trainer would refuse this data set; "" when it would not, or nobody knows yet."""
        if problem := self.known.problems.get(source.key):
            return problem
        found = self.findings_of(source)
        if found is None or not source.is_here:
            return ""
        if found.is_partial and not found.rows:
            return "The check was stopped before its first row: r begins it anew."
        if not found.refusal:
            return ""
        if source == self.source and self.can_be_written:
            return f"{found.refusal} w writes the usable rows to a file of their own."
        fix = found.errors[0].fix if found.errors else "Choose another file."
        return f"{found.refusal} {fix}"


def _stamp(key: str) -> tuple[object, ...]:
    """Size and date of a file: another one under the same name is another data set."""
    try:
        status = Path(key).stat()
    except OSError:
        return (key, None)
    return (key, status.st_size, status.st_mtime_ns)
