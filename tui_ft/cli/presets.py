"""`tui-ft presets`: list, show, check, compare, save, rename and delete presets, and choose their keys."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_table

if TYPE_CHECKING:
    from tui_ft.runs.readiness import Readiness
    from tui_ft.spec.presets import Preset


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    presets = commands.add_parser("presets", parents=[common], help="list the presets, keep and compare them")
    presets.add_argument("--json", action="store_true", help="print JSON")
    presets.set_defaults(command=list_presets)
    inner = presets.add_subparsers(title="what to do with them; alone: list them", metavar="VERB")

    def verb(name: str, what: str, command: Callable[[argparse.Namespace], int], *names: str) -> Any:
        parser = inner.add_parser(name, parents=[common], help=what)
        for positional in names:
            parser.add_argument(positional.lower(), metavar=positional)
        parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        parser.set_defaults(command=command)
        return parser

    verb("list", "the presets found", list_presets)
    verb("show", "the file of a preset", _show, "NAME")
    verb("check", "could it start now: model, data, memory; exit code 1 if not", _check, "NAME")
    compare = verb("compare", "what differs between two presets or spec files", _compare, "LEFT", "RIGHT")
    compare.add_argument("--all", action="store_true", help="show the fields in which they agree, too")
    save = verb(
        "save", "keep the spec of a run, a preset or a file under a name", _save, "RUN|PRESET|FILE", "NAME"
    )
    save.add_argument("--key", metavar="1-9", help="the key that starts it on the home screen")
    save.add_argument("--summary", metavar="TEXT", default="", help="what it is for, in a line")
    save.add_argument("--replace", action="store_true", help="replace a preset of that name")
    save.add_argument("--set", action="append", default=[], metavar="section.field=value", dest="overrides")
    verb("rename", "give a preset of yours another name", _rename, "NAME", "NEW")
    verb("delete", "remove a preset of yours", _delete, "NAME")
    verb("key", "choose the key that starts a preset", _key, "NAME", "KEY")


def list_presets(arguments: argparse.Namespace) -> int:
    """Print the presets, the user's own first; a file that cannot be read is named on stderr."""
    from tui_ft.spec import display, presets

    found, problems = presets.list_presets(settings.user_presets_folder())
    for problem in problems:
        print(f"tui-ft: {problem}", file=sys.stderr)
    if arguments.json:
        print_json([_document(preset) for preset in found])
    else:
        rows = [(p.key or "", p.name, display.method_label(p.spec), p.summary) for p in found]
        print_table(("KEY", "NAME", "METHOD", "WHAT FOR"), rows)
    return 0


def _document(preset: Preset) -> dict[str, Any]:
    from tui_ft.spec import display

    return {
        "schema": 1,
        "name": preset.name,
        "path": str(preset.path),
        "key": preset.key,
        "model": preset.spec.model.id,
        "method": display.method_label(preset.spec),
        "summary": preset.summary,
        "source": preset.source,
    }


def _find(name: str) -> Preset:
    from tui_ft.spec.presets import find_preset

    return find_preset(name, settings.user_presets_folder())


def _show(arguments: argparse.Namespace) -> int:
    import msgspec

    preset = _find(arguments.name)
    if arguments.json:
        print_json(_document(preset) | {"spec": msgspec.to_builtins(preset.spec), "text": preset.text})
    else:
        print(preset.text, end="")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from tui_ft.hardware.gpu import read_gpus
    from tui_ft.runs.readiness import readiness

    preset = _find(arguments.name)
    found = readiness(preset.spec, read_gpus())
    if arguments.json:
        print_json(_readiness_document(preset, found))
    else:
        _print_readiness(preset, found)
    return 0 if found.is_ready else 1


def _readiness_document(preset: Preset, found: Readiness) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": preset.name,
        "ready": found.is_ready,
        "problems": list(found.problems),
        "verdict": found.verdict,
        "needed_bytes": found.needed_bytes,
        "free_bytes": found.free_bytes,
        "unknown": found.unknown or None,
        "step_downs": [
            {"change": step.change, "set": list(step.overrides), "needed_bytes": step.needed_bytes}
            for step in found.step_downs
        ],
    }


def _print_readiness(preset: Preset, found: Readiness) -> None:
    from tui_ft.vram.holders import gib_text
    from tui_ft.vram.verdict import WORDS

    for problem in found.problems:
        print(f"✗ {problem}")
    if found.needed_bytes is None or found.free_bytes is None:
        print(f"? Memory: {found.unknown}")
    else:
        needed, free = gib_text(found.needed_bytes), gib_text(found.free_bytes)
        mark = "✗" if found.verdict == "does_not_fit" else "✓"
        print(f"{mark} Memory: {needed} needed, {free} free: {WORDS[found.verdict]}.")
    for step in found.step_downs:
        print(f"    {step.change}: {gib_text(step.needed_bytes)}")
        print(f"      tui-ft start {preset.name} {' '.join(f'--set {change}' for change in step.overrides)}")
    if found.is_ready:
        print(f"✓ {preset.name} can start.")


def _compare(arguments: argparse.Namespace) -> int:
    from tui_ft.spec.compare import compare

    left, right = _find(arguments.left), _find(arguments.right)
    found = compare(left.spec, right.spec, with_equal=arguments.all)
    if arguments.json:
        fields = [{"field": one.field.path, "left": one.left, "right": one.right} for one in found]
        print_json({"schema": 1, "left": left.name, "right": right.name, "fields": fields})
    elif found:
        rows = [("" if one.is_equal else "≠", one.field.path, one.left, one.right) for one in found]
        print_table(("", "FIELD", left.name, right.name), rows)
    else:
        print(f"{left.name} and {right.name} mean the same.")
    return 0


def _save(arguments: argparse.Namespace) -> int:
    from tui_ft.spec import overrides, preset_store, toml

    text = _text_of(getattr(arguments, "run|preset|file"), arguments)
    spec = overrides.apply(toml.loads(text), arguments.overrides)
    saved = preset_store.save(
        spec,
        arguments.name,
        key=arguments.key,
        summary=arguments.summary,
        text=text,
        replace=arguments.replace,
    )
    return _told(saved, arguments, f"{saved.name} is kept as {saved.path}.")


def _text_of(name: str, arguments: argparse.Namespace) -> str:
    """The spec of a run, a preset or a file, as it was written."""
    from tui_ft.errors import TuiFtError
    from tui_ft.runs import directory
    from tui_ft.spec import toml

    try:
        return _find(name).text
    except TuiFtError as no_preset:
        try:
            run = directory.find(settings.runs_root(arguments.runs_root), name)
        except TuiFtError:
            raise no_preset from None
        return toml.read(run.spec)


def _rename(arguments: argparse.Namespace) -> int:
    from tui_ft.spec import preset_store

    renamed = preset_store.rename(_find(arguments.name), arguments.new)
    return _told(renamed, arguments, f"{arguments.name} is {renamed.name} now.")


def _delete(arguments: argparse.Namespace) -> int:
    from tui_ft.spec import preset_store

    preset = _find(arguments.name)
    preset_store.delete(preset)
    return _told(preset, arguments, f"{preset.name} is deleted.")


def _key(arguments: argparse.Namespace) -> int:
    from tui_ft.spec import preset_store, presets

    other = preset_store.choose_key(arguments.name, arguments.key)
    found, _ = presets.list_presets(settings.user_presets_folder())
    by_name = {preset.name: preset for preset in found}
    instead = f" {other} has {by_name[other].key or 'none'} instead." if other in by_name else ""
    return _told(by_name[arguments.name], arguments, f"{arguments.key} starts {arguments.name}.{instead}")


def _told(preset: Preset, arguments: argparse.Namespace, sentence: str) -> int:
    if arguments.json:
        print_json(_document(preset))
    else:
        print(sentence)
    return 0
