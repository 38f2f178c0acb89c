"""The README's tables, made from what the code declares: `python tests/readme_tables.py` writes them anew."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from tui_ft.cli.main import main, parser
from tui_ft.data.problem_kinds import KINDS
from tui_ft.spec import declarations, display
from tui_ft.spec.learning import MethodKind, ObjectiveKind
from tui_ft.spec.presets import list_presets
from tui_ft.spec.support import _LATER, SUPPORT
from tui_ft.tui.keys import key_table
from tui_ft.vram import catalogue, coefficients
from tui_ft.vram.families.table import FAMILIES
from tui_ft.watch.formats import FORMATS

README = Path(__file__).resolve().parent.parent / "README.md"

_TABLE = re.compile(r"(<!-- table: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_OUTPUT = re.compile(r"(<!-- output: tui-ft ([^\n]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_MARKS = {"runs": "runs", "later": "–", "never": "×"}


def filled(text: str) -> str:
    """Return the README's text with every table and every command's output as the code has it now."""
    text = _TABLE.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)
    return _OUTPUT.sub(lambda found: f"{found[1]}{_shown(found[2])}{found[3]}", text)


def _shown(command: str) -> str:
    """A command and what it prints, as a block of text."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(output):
        main(shlex.split(command))
    printed = output.buffer.getvalue().decode()
    return f"```text\n$ tui-ft {command}\n{printed}```\n"


def sources() -> str:
    """Every format of runs that can be watched, the richest first."""
    rows = sorted(FORMATS, key=lambda form: -form.richness)
    head = ("written by", "files", "mark of the end")
    return _table(head, ((form.written_by, form.files, form.ends) for form in rows))


def commands() -> str:
    """Every command with what its own help says."""
    return _table(("command", "what"), ((f"`tui-ft {name}`", what) for name, what in _commands()))


def subparsers() -> Mapping[str, argparse.ArgumentParser]:
    """The commands by name."""
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise LookupError("the parser has no commands")


def _commands() -> Iterator[tuple[str, str]]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                yield f"{choice.dest}{_arguments(action.choices[choice.dest])}", choice.help or ""


def _arguments(command: argparse.ArgumentParser) -> str:
    """A command's own arguments; what every command takes is said once, in the text."""
    words = []
    for action in command._actions:
        name = action.option_strings[0] if action.option_strings else ""
        if name in ("-h", "--json", "--runs-root"):
            continue
        if not name:
            metavar = str(action.metavar or action.dest)
            words.append(f"[{metavar}]" if action.nargs == "?" else metavar)
        elif action.nargs == 0:
            is_twofold = isinstance(action, argparse.BooleanOptionalAction)
            words.append(f"[{name.replace('--', '--[no-]')}]" if is_twofold else f"[{name}]")
        else:
            value = action.metavar or (action.choices and "|".join(map(str, action.choices))) or action.dest
            words.append(f"[{name} {value}]")
    return "".join(f" {word}" for word in words).replace("|", "\\|")


def keys() -> str:
    """Every key of every screen."""
    rows, before = [], ""
    for row in key_table():
        rows.append((f"**{row.screen}**" if row.screen != before else "", f"`{row.key}`", row.what))
        before = row.screen
    return _table(("where", "key", "what"), rows)


def presets() -> str:
    """The shipped presets in the order of their keys."""
    found, _ = list_presets(Path("/nowhere"))
    return _table(
        ("key", "preset", "model", "method", "what for"),
        (
            (f"`{p.key}`", f"`{p.name}`", f"`{p.spec.model.id}`", display.method_label(p.spec), p.summary)
            for p in found
        ),
    )


def fields() -> str:
    """Every field of the spec with its values and default."""
    rows: list[Sequence[str]] = []
    for section in declarations.sections().values():
        rows.append((f"**[{section.name}]**", section.heading, "", ""))
        for field in section.fields.values():
            unit = f" {field.unit}" if field.unit else ""
            usual = f"; usually {field.usual}" if field.usual else ""
            values = f"{field.expected}{unit}{usual}"
            rows.append((f"`{field.path}`", field.help + _refused(field.path), values, _value(field.default)))
    return _table(("field", "what", "values", "default"), rows)


def support() -> str:
    """Method × objective: what runs, what is refused, what cannot be."""
    objectives = get_args(ObjectiveKind)
    return _table(
        ("method \\ objective", *(f"`{objective}`" for objective in objectives)),
        (
            (f"`{method}`", *(_MARKS[SUPPORT[method, objective].state] for objective in objectives))
            for method in get_args(MethodKind)
        ),
    )


def problems() -> str:
    """Every kind of fault of a data set, with how bad it is and the remedy."""
    rows: list[Sequence[str]] = []
    for code, kind in KINDS.items():
        fix = kind.fix.replace("|", "\\|").replace("<", "\\<")
        rows.append((f"`{code}`", kind.severity, kind.what.replace("<", "\\<"), fix))
    return _table(("code", "severity", "what", "remedy"), rows)


def families() -> str:
    """The families whose coefficients are shipped, what is missing, and the versions that they hold for."""
    rows: list[Sequence[str]] = []
    versions: dict[str, None] = {}
    covered: set[str] = set()
    for path in sorted(coefficients.FOLDER.glob("*.json")):
        found = coefficients.table(path.stem)
        assert found is not None, path
        named = (path.stem, *(name for name, same in coefficients.SAME_TRACE.items() if same == path.stem))
        covered |= set(named)
        versions[", ".join(f"{name} {number}" for name, number in found.versions.items())] = None
        missing = ", ".join(dict.fromkeys(_kind(key) for key in found.left_out))
        names = ", ".join(f"`{name}`" for name in named)
        rows.append((names, _models(set(named)), str(len(found.policies)), missing or "–"))
    others = f"the other {len(FAMILIES) - len(covered & set(FAMILIES))} known architectures"
    rows.append((others, _models(set(FAMILIES) - covered), "general formula", "–"))
    table = _table(("`model_type`", "models of the catalogue", "kinds of run", "not among them"), rows)
    return f"{table}\nExtracted with {'; '.join(versions)}.\n"


def _models(families: set[str]) -> str:
    return ", ".join(one.name for one in catalogue.entries() if one.shape.family in families) or "–"


def _kind(policy: str) -> str:
    """What a policy that was left out is called in the table of methods."""
    method = policy.split()[0]
    return f"`{method}` with dropout" if "dropout" in policy else f"`{method}`"


def _refused(path: str) -> str:
    """What of a field this version does not run."""
    return next((f" *Refused by this version: {later.what}.*" for later in _LATER if later.field == path), "")


def _value(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (columns, ["---"] * len(columns), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


TABLES: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "keys": keys,
    "presets": presets,
    "fields": fields,
    "support": support,
    "families": families,
    "problems": problems,
    "sources": sources,
}


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
