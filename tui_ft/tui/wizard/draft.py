"""The answers given so far, with undo; they outlive the app in one file of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from tui_ft.data.findings import Findings
from tui_ft.errors import TuiFtError
from tui_ft.guide.goals import AIMS, GOALS
from tui_ft.spec import overrides, toml
from tui_ft.spec.migrate import migrate
from tui_ft.spec.run_spec import SCHEMA, RunSpec
from tui_ft.spec.toml_edit import rewrite
from tui_ft.spec.values import check_values
from tui_ft.tui.wizard import draft_file
from tui_ft.tui.wizard.outcome import STEPS, Step
from tui_ft.typed import typed

_MOST_UNDO = 200


class _Kept(msgspec.Struct, kw_only=True):
    """The file. A spec stands in it as the tables of its TOML, because one without a model is no spec yet.

    `written` is the spec file that a person wrote. `findings` are read one by one: those of another
    version are made again, the answers are not lost.
    """

    schema: int = 1
    spec: dict[str, Any]
    base: dict[str, Any]
    written: str = ""
    goals: list[str] = []
    went_on_despite_gate: bool = False
    step: str = "goal"
    reached: str = "goal"
    preset: tuple[str, dict[str, Any]] | None = None
    smoked: str = ""
    shape_name: str = ""
    findings: dict[str, msgspec.Raw] = {}


class Draft:
    """A run that is being thought out. Nothing here blocks but `save` and `load`.

    `base` is the recommended spec, with which `spec` is compared; `preset` the one it came from, with its
    name. `findings` are by the absolute path of the data. `reached` is the furthest step that was seen.
    `smoked` is the id of the smoke run of this very spec, going or ended, "" if there is none.
    `on_change` is called after each change, so that somebody writes it down.
    """

    def __init__(
        self, spec: RunSpec | None = None, *, text: str = "", preset: tuple[str, RunSpec] | None = None
    ) -> None:
        self.spec = spec or RunSpec()
        self.base = self.spec
        self.preset = preset
        self.goals: frozenset[str] = frozenset({"sft"})
        self.went_on_despite_gate = False
        self.findings: dict[str, Findings] = {}
        self.shape_name = ""
        self.step: Step = "goal"
        self.reached: Step = "goal"
        self.smoked = ""
        self.on_change: Callable[[], None] = _nothing
        self._written = text
        self._rewritten: tuple[RunSpec, str] | None = None
        self._before: list[tuple[RunSpec, str]] = []

    # --- the spec ------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The spec as TOML: what a person wrote, changed as little as makes it mean `spec`."""
        if self._rewritten is None or self._rewritten[0] is not self.spec:
            text = rewrite(self._written, self.spec) if self._written else toml.dumps(self.spec)
            self._rewritten = (self.spec, text)
        return self._rewritten[1]

    def change(self, spec: RunSpec) -> None:
        """Go over to `spec`; `undo` takes it back. A smoke run of another spec proves nothing."""
        if spec == self.spec:
            return
        self._remember()
        self.spec, self.smoked = spec, ""
        self.touch()

    def set(self, *changes: str) -> None:
        """Carry out `section.field=value`. Raises `SpecError`, and then nothing has changed."""
        self.change(overrides.apply(self.spec, changes))

    def write(self, text: str) -> None:
        """Go over to a spec file's text that a person wrote. Raises `SpecError` when it is no spec."""
        spec = toml.loads(text)
        if (spec, text) == (self.spec, self.text):
            return
        self._remember()
        self.smoked = self.smoked if spec == self.spec else ""
        self.spec, self._written, self._rewritten = spec, text, None
        self.touch()

    @property
    def can_undo(self) -> bool:
        return bool(self._before)

    def undo(self) -> bool:
        """Take the last change back; False when there is none."""
        if not self._before:
            return False
        self.spec, self._written = self._before.pop()
        self._rewritten, self.smoked = None, ""
        self.touch()
        return True

    def touch(self) -> None:
        """Tell that something has changed; for whoever sets a field here."""
        self.on_change()

    def _remember(self) -> None:
        self._before = [*self._before[1 - _MOST_UNDO :], (self.spec, self._written)]

    # --- the steps -----------------------------------------------------------------------------------

    def go_to(self, step: Step) -> None:
        """Be at `step` now."""
        self.step = step
        if STEPS.index(step) > STEPS.index(self.reached):
            self.reached = step
        self.touch()

    def has_seen(self, step: Step) -> bool:
        """True for a step that was reached already."""
        return STEPS.index(step) <= STEPS.index(self.reached)

    # --- the file ------------------------------------------------------------------------------------

    def encoded(self) -> bytes:
        """The whole draft as it stands in the file."""
        preset = (self.preset[0], _tables(self.preset[1])) if self.preset else None
        kept = _Kept(
            spec=_tables(self.spec),
            base=_tables(self.base),
            written=self._written,
            goals=sorted(self.goals),
            went_on_despite_gate=self.went_on_despite_gate,
            step=self.step,
            reached=self.reached,
            preset=preset,
            smoked=self.smoked,
            shape_name=self.shape_name,
            findings={path: msgspec.Raw(msgspec.json.encode(found)) for path, found in self.findings.items()},
        )
        return msgspec.json.encode(kept)

    def save(self) -> None:
        """Write the draft down, whole or not at all. Raises `TuiFtError`."""
        draft_file.write(self.encoded())


def _nothing() -> None:
    return None


def load() -> Draft | None:
    """Read the draft that was kept; None where there is none.

    A file that is no draft is set aside, so that it is not lost and not in the way; then it raises
    `TuiFtError`, which says where it lies now. Where even that cannot be there is no draft: the wizard is
    of use all the same, and its `Keeper` says that nothing is kept.
    """
    try:
        data = draft_file.read()
        return None if data is None else _decoded(data)
    except (TuiFtError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        why = str(error).rstrip(".")
        try:
            aside = draft_file.put_aside("damaged")
        except TuiFtError:
            return None
        raise TuiFtError(
            f"The answers that were kept cannot be read: {why}.", f"They lie in {aside} now; begin anew."
        ) from error


def _decoded(data: bytes) -> Draft:
    kept = msgspec.json.decode(data, type=_Kept)
    preset = (kept.preset[0], _spec(kept.preset[1])) if kept.preset else None
    draft = Draft(_spec(kept.spec), text=kept.written, preset=preset)
    draft.base = _spec(kept.base)
    draft.goals = known_goals(kept.goals)
    draft.went_on_despite_gate = kept.went_on_despite_gate
    draft.reached = _step(kept.reached)
    draft.step = _step(kept.step)
    draft.smoked, draft.shape_name = kept.smoked, kept.shape_name
    draft.findings = _findings(kept.findings)
    return draft


def _tables(spec: RunSpec) -> dict[str, Any]:
    return {"schema": SCHEMA, **msgspec.to_builtins(spec)}


def _spec(tables: dict[str, Any]) -> RunSpec:
    """The spec of such tables, of this or an older version. Raises `SpecError` or `msgspec.MsgspecError`."""
    raw = migrate(tables)
    check_values(raw)
    return typed(raw, RunSpec)


def known_goals(words: Iterable[str]) -> frozenset[str]:
    """The words that the guide knows, with one aim among them."""
    known = frozenset(words) & {goal.word for goal in GOALS}
    aims = [goal.word for goal in AIMS if goal.word in known]
    return (known - set(aims)) | set(aims[:1] or ("sft",))


def _step(name: str) -> Step:
    return next((step for step in STEPS if step == name), "goal")


def _findings(kept: Mapping[str, msgspec.Raw]) -> dict[str, Findings]:
    found = {}
    for path, raw in kept.items():
        try:
            found[path] = msgspec.json.decode(raw, type=Findings)
        except msgspec.MsgspecError:  # of another version: the data are checked again
            continue
    return found
