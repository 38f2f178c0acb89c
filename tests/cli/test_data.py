"""`tui-ft data`, as people and scripts call it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui_ft.cli.main import main

GOOD = [{"question": f"What of {i}?", "answer": f"It is {i}."} for i in range(150)]
CONTRACT = {
    "schema", "path", "container", "format", "rows", "usable_rows", "columns", "objective", "problems",
    "lengths", "turns", "duplicates",
}  # fmt: skip

Asked = tuple[int, dict[str, Any]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., Asked]:
    def asked(*arguments: str) -> Asked:
        code = main(["data", *arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return asked


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., str]:
    def made(*rows: Any, name: str = "set.jsonl") -> str:
        file = tmp_path / name
        file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return str(file)

    return made


def test_the_json_keeps_the_contract(ask: Callable[..., Asked], make: Callable[..., str]) -> None:
    path = make(*GOOD, GOOD[0], {"question": "x"})
    code, found = ask(path)
    assert code == 1
    assert set(found) >= CONTRACT
    assert (found["container"], found["format"], found["objective"]) == (
        "jsonl",
        "prompt_completion",
        ["sft"],
    )
    assert (found["rows"], found["usable_rows"], found["duplicates"]) == (152, 151, 1)
    problems = {problem["code"]: problem for problem in found["problems"]}
    assert problems["duplicate"]["rows"] == [151]
    assert problems["missing_field"]["rows"] == [152]
    for problem in found["problems"]:
        assert {"code", "severity", "count", "rows", "message", "fix"} <= set(problem)
    assert found["lengths"]["unit"] == "characters"
    assert {"p50", "p95", "max"} <= set(found["lengths"])


def test_exit_code_1_exactly_when_there_is_an_error(
    ask: Callable[..., Asked], make: Callable[..., str]
) -> None:
    code, found = ask(make(*GOOD, GOOD[0]))
    assert code == 0
    assert {problem["severity"] for problem in found["problems"]} == {"warning", "note"}
    assert ask(make(*GOOD, "{broken"))[0] == 1


@pytest.mark.parametrize("text", [None, "", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"])
def test_what_cannot_be_read_is_told_as_json_too(
    ask: Callable[..., Asked], tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "set.jsonl"
    if text is not None:
        file.write_text(text)
    code, found = ask(str(file))
    assert code == 2
    assert found["container"] is None
    assert len(found["problems"]) == 1


def test_tokens_of_a_model(ask: Callable[..., Asked], make: Callable[..., str]) -> None:
    code, found = ask(make(*GOOD), "--model", "demo", "--max-length", "12")
    assert code == 0
    assert found["lengths"]["unit"] == "tokens"
    assert found["max_length"] == 12
    assert found["tokens"] > found["trained_tokens"] > 0


def test_columns_named_by_hand(ask: Callable[..., Asked], make: Callable[..., str]) -> None:
    path = make(*({"sentence": f"A film of {i}.", "label": i % 2} for i in range(120)))
    code, found = ask(path)
    assert (code, found["format"]) == (1, "unknown")
    (problem,) = (p for p in found["problems"] if p["code"] == "unknown_format")
    assert "--columns prompt=sentence,completion=label" in problem["fix"]
    code, found = ask(path, "--columns", "prompt=sentence,completion=label")
    assert (code, found["format"], found["usable_rows"]) == (0, "prompt_completion", 120)


def test_words_of_their_own_for_roles(ask: Callable[..., Asked], make: Callable[..., str]) -> None:
    turns = [{"wer": "Kundin", "was": "Why?"}, {"wer": "Berater", "was": "So."}]
    tags = "messages=talk,role_tag=wer,content_tag=was,user_tag=Kundin,assistant_tag=Berater"
    code, found = ask(make({"talk": turns}), "--columns", tags)
    assert (code, found["format"], found["usable_rows"]) == (0, "messages", 1)


def test_leakage_into_the_evaluation(ask: Callable[..., Asked], make: Callable[..., str]) -> None:
    evaluation = make(GOOD[7], name="eval.jsonl")
    _, found = ask(make(*GOOD), "--eval", evaluation)
    assert [p["rows"] for p in found["problems"] if p["code"] == "eval_leak"] == [[8]]


def test_the_text_shows_where_the_rows_are_and_counts_one_row_as_one(
    make: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"question": f"What of {i}?" + "q" * 500, "answer": "It is."} for i in range(3)]
    assert main(["data", make(*rows[:1], {"question": "x"})]) == 1
    said = capsys.readouterr().out
    assert "Trainable on 1 row; 1 is left out (see the errors)." in said
    main(["data", make(*rows)])
    said = capsys.readouterr().out
    assert "Trainable on all 3 rows." in said
    bins = said.partition("the longest")[2].split("\n\n")[0].splitlines()[1:]
    assert len(bins) == 1 and bins[0].endswith("█ 3")
    main(["data", make(*rows[:1])])
    assert "Trainable on its one row." in capsys.readouterr().out


def test_one_row(
    ask: Callable[..., Asked], make: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(*GOOD, {"question": "x"})
    code, seen = ask(path, "--row", "3", "--model", "demo")
    assert (code, seen["schema"], seen["number"]) == (0, 1, 3)
    assert "".join(p["text"] for p in seen["pieces"] if p["trained"]).startswith("It is 2.")
    assert ask(path, "--row", "151")[0] == 1
    assert main(["data", path, "--row", "3", "--model", "demo"]) == 0
    printed = capsys.readouterr().out
    before, _, after = printed.partition("TRAINED")
    assert "What of 2?" in before
    assert "It is 2." in after


def test_converting(ask: Callable[..., Asked], make: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    code, written = ask(make(*GOOD, "{broken", {"question": "x"}), "--convert", str(out))
    assert (code, written["rows"], written["skipped"]) == (0, 150, 2)
    assert ask(str(out))[0] == 0
    assert main(["data", make(*GOOD), "--convert", str(out)]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--columns", "nonsense"], "names no column"),
        (["--columns", "promt=question"], "Did you mean"),
        (["--max-length", "12"], "--model"),
        (["--max-length", "-3", "--model", "demo"], "no count"),
        (["--max-length", "1048577", "--model", "demo"], "no count"),
        (["--row", "0"], "no count"),
        (["--row", "9999"], "has no row"),
        (["--format", "aplaca"], "must be one of"),
        (["--eval", "/nowhere.jsonl"], "does not exist"),
        (["--model", "/nowhere"], "neither a folder"),
    ],
)
def test_bad_options_are_a_sentence(
    make: Callable[..., str], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    code = main(["data", make(*GOOD), *arguments])
    printed = capsys.readouterr()
    assert code in (1, 2)
    assert said in printed.out + printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_without_signs(make: Callable[..., str], encoding: str) -> None:
    path = make({"question": "Was ist das für ein Häuschen?", "answer": "猫", "✗ 列": "x"}, "{broken")
    for more in ([], ["--row", "1"]):
        done = subprocess.run(
            [sys.executable, "-m", "tui_ft", "data", path, *more],
            capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert b"Traceback" not in done.stderr
        assert done.stdout.decode(encoding)


def test_half_characters_and_odd_bytes_are_spelt_out_in_json(
    ask: Callable[..., Asked], make: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = make({"text": "hello", "\ud800": "\udfff"})
    assert ask(path)[1]["columns"] == ["text", "\\ud800"]
    assert ask(path, "--row", "1")[1]["raw"] == {"text": "hello", "\\ud800": "\\udfff"}
    assert main(["data", "\udcff.jsonl", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["path"].endswith("\\udcff.jsonl")


def test_a_full_disk_is_a_sentence(make: Callable[..., str]) -> None:
    for rows in (GOOD[:1], GOOD):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "tui_ft", "data", make(*rows)],
                stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            )  # fmt: skip
        assert (done.returncode, done.stderr) == (2, "tui-ft: there is no room left on the disk.\n")


def test_a_closed_output_is_no_matter(make: Callable[..., str]) -> None:
    command = ["sh", "-c", '"$@" >&-', "sh", sys.executable, "-m", "tui_ft", "data", make(*GOOD)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_demo_data(ask: Callable[..., Asked]) -> None:
    code, found = ask("demo", "--model", "demo")
    assert code == 0
    assert found["usable_rows"] == found["rows"] > 0


def test_ctrl_c_ends_it_with_what_was_found(tmp_path: Path) -> None:
    file = tmp_path / "big.jsonl"
    row = json.dumps({"question": "Why is that so? " * 20, "answer": "So it is. " * 20})
    with file.open("w") as stream:
        for i in range(400_000):
            stream.write(row.replace("Why", f"Why {i}", 1) + "\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "tui_ft", "data", str(file), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    open_files = Path(f"/proc/{process.pid}/fd")
    deadline = time.monotonic() + 60
    while not _is_reading(open_files, file) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    found = json.loads(out)
    assert found["is_partial"]
    assert found["rows"] < 400_000
    assert "Traceback" not in err


def _is_reading(open_files: Path, file: Path) -> bool:
    """True when a process has read into `file`."""
    for link in open_files.iterdir():
        try:
            if link.readlink() == file:
                place = (open_files.parent / "fdinfo" / link.name).read_text()
                return int(place.split()[1]) > 5_000_000
        except OSError:
            continue
    return False
