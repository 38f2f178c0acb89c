"""`tui-ft data`: checks a data set, every row; shows one as the trainer sees it; writes what is trained."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft.cli.printing import print_json
from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    from tui_ft.data.findings import Findings


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "data",
        parents=[common],
        help="check a data set, every row",
        description="Check every row of a data set: its format, what can be trained on, and what is wrong.",
    )
    parser.add_argument("path", metavar="PATH", help='a data file, or "demo"')
    parser.add_argument("--model", metavar="DIR|NAME", help="count in tokens, with its template")
    parser.add_argument("--max-length", metavar="N", help="cut rows at so many tokens")
    parser.add_argument("--columns", metavar="OURS=THEIRS,…", help="say what the columns are")
    parser.add_argument("--format", metavar="F", default="auto", help="say which format it is")
    parser.add_argument("--train-on", choices=("completion", "assistant", "all"), default="completion",
                        help="what of a conversation is trained")  # fmt: skip
    parser.add_argument("--eval", metavar="PATH", help="the held-out data: no prompt should be in both")
    parser.add_argument("--row", metavar="N", help="show one row as the trainer sees it")
    parser.add_argument("--convert", metavar="OUT", help="write the usable rows as they are trained")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=data)


def data(arguments: argparse.Namespace) -> int:
    """Print the findings. Exit code 0: no error; 1: errors; 2: cannot be read."""
    from tui_ft.data import gate
    from tui_ft.data.read import UnreadableError

    path = _path(arguments.path)
    try:
        findings = _checked(path, arguments)
    except UnreadableError as error:
        if arguments.json:
            print_json(gate_json(gate.unreadable(path, error)))
        raise
    if arguments.json:
        print_json(gate_json(findings))
    else:
        from tui_ft.cli.data_text import lines

        print("\n".join(lines(findings)))
    return 1 if findings.errors else 0


def gate_json(findings: Findings) -> dict[str, Any]:
    """The findings with the key names of the contract."""
    import msgspec

    content: dict[str, Any] = msgspec.to_builtins(findings)
    content["objective"] = content.pop("objectives")
    return content


def _checked(path: Path, arguments: argparse.Namespace) -> Findings:
    from tui_ft.data import gate

    return gate.check(
        path,
        columns=_columns(arguments.columns),
        format=arguments.format,
        train_on=arguments.train_on,
        eval_path=_path(arguments.eval) if arguments.eval else None,
    )


def _path(text: str) -> Path:
    if text == "demo":
        from tui_ft.demo import paths

        return paths.data_file()
    return Path(text)


def _columns(text: str | None) -> dict[str, str]:
    """Return `ours=theirs,…` as a mapping. Raises `TuiFtError`."""
    columns = {}
    for pair in (text or "").split(","):
        if not pair.strip():
            continue
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours.strip() or not theirs.strip():
            raise TuiFtError(
                f"--columns has {pair.strip()[:80]!r} in it, which says nothing of a column.",
                "For example --columns prompt=question,completion=answer",
            )
        columns[ours.strip()] = theirs.strip()
    return columns
