"""`tui-ft data`: checks a data set, every row; shows one as the trainer sees it; writes what is trained."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft.cli.printing import print_json, print_lines
from tui_ft.errors import TuiFtError
from tui_ft.user_paths import user_path

if TYPE_CHECKING:
    from tui_ft.data.findings import Findings
    from tui_ft.data.tokenizer import FileTokenizer

MOST_ROWS = 10**12
"""More than any file has; a number that is longer is a mistake."""


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "data",
        parents=[common],
        help="check a data set, every row; show one as it is trained",
        description="Check every row of a data set: its format, what can be trained on, and what is wrong.",
    )
    parser.add_argument("path", metavar="PATH", help='a data file, or "demo"')
    parser.add_argument("--model", metavar="DIR|NAME", help="count in this model's tokens, by its template")
    parser.add_argument("--max-length", metavar="N", help="cut rows at so many tokens, as training does")
    parser.add_argument("--columns", metavar="OURS=THEIRS,…", help="say which column is what")
    parser.add_argument("--format", metavar="F", default="auto", help="say which format it is")
    parser.add_argument(
        "--train-on", choices=("completion", "assistant", "all"), default="completion",
        help="what of a conversation is trained: the last answer, every answer, everything",
    )  # fmt: skip
    parser.add_argument("--eval", metavar="PATH", help="the evaluation data: no prompt should be in both")
    parser.add_argument("--row", metavar="N", help="show row N as the trainer sees it")
    parser.add_argument("--convert", metavar="OUT.jsonl", help="write the usable rows as they are trained")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=data)


def data(arguments: argparse.Namespace) -> int:
    """Print the findings. Exit code 0: no error; 1: errors; 2: it cannot be read; 130: stopped early."""
    if arguments.row is not None and arguments.convert is not None:
        raise TuiFtError("--row shows one row, --convert writes them all.", "Ask for one after the other.")
    if arguments.eval is not None and (arguments.row is not None or arguments.convert is not None):
        raise TuiFtError("--eval belongs to the check, not to --row or --convert.", "Leave it out there.")
    path = _path(arguments.path)
    options = {
        "tokenizer": _tokenizer(arguments.model),
        "max_length": _max_length(arguments),
        "columns": _columns(arguments.columns),
        "format": arguments.format,
        "train_on": arguments.train_on,
    }
    if arguments.row is not None:
        return _show(path, _count("--row", arguments.row, MOST_ROWS), options, as_json=arguments.json)
    if arguments.convert is not None:
        return _convert(path, user_path(arguments.convert), options, as_json=arguments.json)
    return _check(path, _path(arguments.eval) if arguments.eval else None, options, as_json=arguments.json)


def findings_json(findings: Findings) -> dict[str, Any]:
    """The findings under the key names of the contract."""
    import msgspec

    content: dict[str, Any] = msgspec.to_builtins(findings)
    content["objective"] = content.pop("objectives")
    return content


def _check(path: Path, evaluation: Path | None, options: dict[str, Any], *, as_json: bool) -> int:
    from tui_ft.cli.data_progress import watched
    from tui_ft.data import gate
    from tui_ft.data.read import UnreadableError

    try:
        with watched("checking", show=not as_json) as watch:
            findings = gate.check(path, eval_path=evaluation, progress=watch.rows, **options)
    except (UnreadableError, gate.EvaluationError) as error:
        if as_json:
            print_json(findings_json(gate.unreadable(path, error)))
        raise
    if as_json:
        print_json(findings_json(findings))
    else:
        from tui_ft.cli.data_text import lines

        print_lines(lines(findings))
    if watch.is_stopped:
        return 130
    return 1 if findings.errors else 0


def _show(path: Path, number: int, options: dict[str, Any], *, as_json: bool) -> int:
    """Print one row. Exit code 1: it cannot be trained on."""
    import msgspec

    from tui_ft.data.view import view

    seen = view(path, number, **options)
    if as_json:
        print_json({"schema": 1, **msgspec.to_builtins(seen)})
    else:
        from tui_ft.cli.data_text import row_lines

        print_lines(row_lines(seen))
    return 1 if seen.code else 0


def _convert(path: Path, out: Path, options: dict[str, Any], *, as_json: bool) -> int:
    """Write the usable rows, and print how many there are."""
    import msgspec

    from tui_ft.cli.data_progress import watched
    from tui_ft.data.wording import shown
    from tui_ft.data.writing import write

    with watched("writing", show=not as_json) as watch:
        written = write(path, out, progress=watch.bytes, **options)
    if as_json:
        print_json({"schema": 1, **msgspec.to_builtins(written)})
        return 0
    ordered = sorted(written.reasons.items(), key=lambda item: -item[1])
    left_out = [f"  {count:,} left out: {code}" for code, count in ordered]
    print_lines([f"{written.rows:,} rows written to {shown(written.path, 300)}", *left_out])
    return 0


def _path(text: str) -> Path:
    if text == "demo":
        from tui_ft.demo import paths

        return paths.data_file()
    return user_path(text)


def _tokenizer(model: str | None) -> FileTokenizer | None:
    """Return the tokenizer of a model that was named, fetching it if need be. Raises `TuiFtError`."""
    if model is None:
        return None
    from tui_ft.data.tokenizer import load_tokenizer
    from tui_ft.vram.find_tokenizer import fetch_tokenizer

    return load_tokenizer(fetch_tokenizer(model))


def _max_length(arguments: argparse.Namespace) -> int | None:
    if arguments.max_length is None:
        return None
    if arguments.model is None:
        raise TuiFtError(
            "--max-length counts tokens, and without a model there are none.",
            "Name the model, too: --model DIR or --model NAME",
        )
    from tui_ft.spec import declarations

    declared = declarations.find("data.max_length")
    assert declared is not None and declared.le is not None
    return _count("--max-length", arguments.max_length, int(declared.le))


def _count(option: str, text: str, most: int) -> int:
    digits = text.replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15 and 1 <= int(digits) <= most):
        raise TuiFtError(f"{option} {text[:40]!r} is no count that can be.", f"For example {option} 1024.")
    return int(digits)


def _columns(text: str | None) -> dict[str, str]:
    """Return `ours=theirs,…` as a mapping. Raises `TuiFtError`."""
    columns = {}
    for pair in (text or "").split(","):
        if not pair.strip():
            continue
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours.strip() or not theirs:
            raise TuiFtError(
                f"--columns has {pair.strip()[:80]!r} in it, which names no column.",
                "For example --columns prompt=question,completion=answer",
            )
        if ours.strip() in columns:
            raise TuiFtError(f"--columns names {ours.strip()[:80]!r} twice.", "Give every part once.")
        columns[ours.strip()] = theirs
    return columns
