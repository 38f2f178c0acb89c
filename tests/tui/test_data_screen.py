"""The Data step: choose a file, see what is wrong with it, go on only with what can be trained."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from wizard_world import SIZES, World, at_step

from tui_ft import settings
from tui_ft.data import gate, writing
from tui_ft.tui.screens.data import DataScreen
from tui_ft.tui.screens.data_pick import PickData
from tui_ft.tui.screens.data_row import DataRow
from tui_ft.tui.wizard import checking
from tui_ft.tui.wizard.data_sets import DataSets
from tui_ft.tui.wizard.draft import Draft

KEYS = ["Enter Next", "Esc Back", "q Leave", "v Rows", "f Files", "c Columns", "t Trained"]


def rows(count: int = 120) -> list[dict[str, Any]]:
    return [
        {"prompt": f"What is {i} plus {i}?", "completion": f"It is {2 * i}. " * (1 + i % 7)}
        for i in range(count)
    ]


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "good.jsonl", rows())
    faulty = rows()
    faulty[2]["completion"] = ""
    faulty[4]["prompt"] = None
    faulty[6]["completion"] = ""
    write(tmp_path / "faulty.jsonl", faulty)
    return tmp_path


def a_draft(model: str = "demo") -> Draft:
    draft = Draft()
    draft.set(f"model.id={model}")
    return draft


def drawn_on(path: Path | str, model: str = "demo") -> Draft:
    draft = a_draft(model)
    DataSets(draft).take(str(path))
    return draft


async def checked(world: World) -> None:
    """Wait for the end of the checks."""
    screen = next(one for one in world.pilot.app.screen_stack if isinstance(one, DataScreen))
    await world.until(lambda: screen.checks.running is None and screen.desk.due() is None, 20)
    await world.until(lambda: "Checking" not in world.text)


@pytest.mark.parametrize("size", SIZES)
async def test_two_enters_take_a_good_file_and_go_on(folder: Path, size: tuple[int, int]) -> None:
    async with at_step(DataScreen, a_draft(), size=size) as world:
        await world.sees("Which data should it learn from?", "good.jsonl", "faulty.jsonl")
        await world.type("goo")
        await world.until(lambda: "faulty" not in world.text)
        await world.press("enter")
        await world.sees("✓ 120 of 120 rows can be trained on", "prompt and completion in JSONL")
        await checked(world)
        assert world.draft.spec.data.train == str(folder / "good.jsonl")
        assert all(cell_len(line) <= size[0] for line in world.lines)
        assert all(key in world.lines[-1] for key in KEYS)
        await world.press("enter")
        await world.until(lambda: world.outcomes)
        assert world.outcomes == ["next"]
        assert world.draft.findings[str(folder / "good.jsonl")].usable_rows == 120


async def test_esc_without_data_goes_back_and_with_data_keeps_it(folder: Path) -> None:
    async with at_step(DataScreen, a_draft()) as world:
        await world.sees("Which data")
        await world.press("escape")
        await world.until(lambda: world.outcomes)
        assert world.outcomes == ["back"] and world.draft.spec.data.train is None
    async with at_step(DataScreen, drawn_on(folder / "good.jsonl")) as world:
        await world.sees("✓ 120 of 120")
        await checked(world)
        await world.press("escape")
        await world.until(lambda: world.outcomes)
        assert world.outcomes == ["back"] and world.draft.spec.data.train == str(folder / "good.jsonl")


@pytest.mark.parametrize("size", SIZES)
async def test_a_fault_is_named_with_rows_and_remedy_and_its_row_is_shown(
    folder: Path, size: tuple[int, int]
) -> None:
    async with at_step(DataScreen, drawn_on(folder / "faulty.jsonl"), size=size) as world:
        await world.sees("! 117 of 120 rows can be trained on", "3 will be skipped", "✗ 2 errors")
        await checked(world)
        await world.sees("empty_answer", "Rows 3, 7", "Fix")
        await world.press("v")
        await world.sees("Row 3 of 120", "Not trained: as it stands in the file", "What is 2 plus 2?")
        await world.press("n")
        await world.sees("Row 7 of 120")
        await world.press("n")
        await world.sees("That is the last row of this problem.")
        await world.press("right")
        await world.sees("Row 8 of 120", "tokens", "trained")
        await world.press("escape")
        await world.until(lambda: isinstance(world.screen, DataScreen))
        await world.press("enter")
        await world.until(lambda: world.outcomes)
        assert world.outcomes == ["next"], "rows that cannot be used are skipped, the others are trained on"


async def test_what_is_trained_is_marked_and_the_part_can_be_changed(tmp_path: Path) -> None:
    chats = [
        {"messages": [
            {"role": "user", "content": f"First {i}?"}, {"role": "assistant", "content": "One."},
            {"role": "user", "content": "Second?"}, {"role": "assistant", "content": "Two."},
        ]} for i in range(110)
    ]  # fmt: skip
    async with at_step(DataScreen, drawn_on(write(tmp_path / "chat.jsonl", chats))) as world:
        await world.sees("✓ 110 of 110", "% trained: the last answer")
        await checked(world)
        await world.press("v")
        await world.sees("Trained on the last answer", "One.<|end|>", "▐Two.<|end|>▌")
        await world.press("t")
        await world.sees("Trained on every answer", "▐One.<|end|>▌", "▐Two.<|end|>▌")
        assert world.draft.spec.data.train_on == "assistant"
        await world.press("t")
        await world.sees("Trained on every token", "▐<|user|>First 0?")
        await world.press("b")
        await world.sees("· between tokens")
        await world.press("r")
        await world.sees("As it stands in the file", '"role": "user"')


async def test_any_row_can_be_gone_to_by_its_number(folder: Path) -> None:
    async with at_step(DataScreen, drawn_on(folder / "good.jsonl")) as world:
        await checked(world)
        await world.press("v")
        await world.sees("Row 1 of 120")
        await world.press("left")
        await world.press("g", "4", "2", "enter")
        await world.sees("Row 42 of 120", "What is 41 plus 41?")
        await world.press("g", "9", "9", "9", "9", "enter")
        await world.sees("Row 120 of 120", "What is 119 plus 119?")
        await world.press("g", "escape")
        await world.until(lambda: isinstance(world.screen, DataRow) and "its number" not in world.text)


async def test_what_the_length_cuts_is_marked_and_a_key_takes_the_suggested_one(tmp_path: Path) -> None:
    long = rows()
    for row in long[:60]:
        row["completion"] = "word " * 300
    draft = drawn_on(write(tmp_path / "long.jsonl", long))
    draft.set("data.max_length=64")
    async with at_step(DataScreen, draft) as world:
        await checked(world)
        await world.sees("✂ cut at 64", "l takes")
        await world.press("v")
        await world.sees("cut at 64", "▌✂")
        await world.press("escape", "l")
        await world.sees("u takes it back")
        taken = draft.spec.data.max_length
        assert taken == draft.findings[str(tmp_path / "long.jsonl")].suggested_max_length and taken > 300
        await checked(world)
        assert draft.findings[str(tmp_path / "long.jsonl")].max_length == taken, "it was checked again"
        await world.press("u")
        await world.until(lambda: draft.spec.data.max_length == 64)


async def test_what_was_changed_in_another_step_is_not_taken_back_here(folder: Path) -> None:
    draft = drawn_on(folder / "good.jsonl")
    draft.set("training.epochs=2")
    async with at_step(DataScreen, draft) as world:
        await checked(world)
        await world.press("u", "t")
        await world.until(lambda: draft.spec.data.train_on == "assistant")
        assert draft.spec.training.epochs == 2.0
        await world.press("u", "u")
        await world.until(lambda: draft.spec.data.train_on == "completion")
        assert draft.spec.training.epochs == 2.0 and draft.spec.data.train


async def test_columns_of_other_names_are_given_by_keys_and_kept_in_the_spec(tmp_path: Path) -> None:
    path = write(tmp_path / "odd.jsonl", [{"Frage": f"{i}?", "Lösung": f"{i}!"} for i in range(100)])
    async with at_step(DataScreen, drawn_on(path)) as world:
        await checked(world)
        assert "✗" in world.text
        await world.press("enter")
        await world.until(lambda: "in no format that is known here" in world.text)
        assert not world.outcomes
        await world.press("c")
        await world.sees("Which column plays which part?", "Frage", "Lösung", "0?")
        await world.press("down", "right", "down", "right")
        await world.sees("◂ prompt ▸", "◂ completion ▸", "Read as prompt_completion")
        await world.press("enter")
        await world.sees("✓ 100 of 100 rows can be trained on", "prompt ← Frage", "completion ← Lösung")
        assert world.draft.spec.data.columns == {"prompt": "Frage", "completion": "Lösung"}
        await checked(world)
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])


async def test_what_another_check_found_takes_the_place_of_the_old_as_a_whole(tmp_path: Path) -> None:
    """As many problems as before, but others; and the row is laid out for the panel that was hidden."""
    path = write(tmp_path / "odd.jsonl", [{"Frage": f"What is {i}?", "L": f"It is {i}."} for i in range(100)])
    async with at_step(DataScreen, drawn_on(path)) as world:
        await checked(world)
        await world.sees("Problems ✗ 1 error")
        DataSets(world.draft).read_as(0, "auto", {"prompt": "Frage", "completion": "L"})
        await world.press("r")
        await world.sees("✓ 100 of 100 rows can be trained on", "Problems · 1 note")
        await checked(world)
        await world.press("up")
        await world.sees("What is 0?<|end|><|assistant|>▐It is 0.")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("lfs.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "lfs pull"),
        ("empty.jsonl", b"", "empty"),
        ("torn.jsonl", b'{"prompt": "a", "completion": "b"}\n{"prompt": "x"\n', "convert"),
        ("binary.jsonl", bytes(range(256)) * 40, "gzipped"),
        ("dpo.jsonl", b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n' * 120, "dpo"),
    ],
)  # fmt: skip
async def test_a_file_that_the_trainer_refuses_is_refused_with_the_remedy(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    async with at_step(DataScreen, drawn_on(tmp_path / name)) as world:
        await checked(world)
        await world.press("enter")
        await world.until(lambda: world.screen.notice.is_error)
        assert said.lower() in world.text.lower() and not world.outcomes
        assert "\x1b" not in world.text and all(cell_len(line) <= 80 for line in world.lines)


async def test_a_row_that_cannot_be_read_is_not_said_to_be_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "torn.jsonl", rows())
    path.write_bytes(path.read_bytes() + b'{"prompt": "x"\n')
    async with at_step(DataScreen, drawn_on(path)) as world:
        await checked(world)
        await world.press("enter")
        await world.sees("the file as a whole. w writes the usable rows to a file of their own.")
        await world.press("v")
        await world.sees("Row 121 of 121", "✗ Not valid JSON", "there is nothing of it to be shown")
        assert "as it stands in the file" not in world.text


async def test_a_file_without_rows_has_no_columns_either(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    async with at_step(DataScreen, drawn_on(tmp_path / "empty.jsonl")) as world:
        await world.sees("✗ It has no row", "The file is empty")
        assert "Columns" not in world.text.partition("c Columns")[0]


async def test_the_usable_rows_of_a_refused_file_are_written_by_a_key_and_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir()
    path = write(tmp_path / "theirs" / "torn.jsonl", rows())
    before = path.read_bytes() + b'{"prompt": "x"\n'
    path.write_bytes(before)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    async with at_step(DataScreen, drawn_on(path)) as world:
        await world.sees(
            "✗ It cannot be trained on as it is", "120 of 121 rows are usable", "w writes the usable"
        )
        await checked(world)
        await world.press("w")
        await world.sees("Write the usable rows to a new file", "torn-usable.jsonl")
        await world.press("enter")
        await world.sees("✓ 120 of 120 rows can be trained on", "120 rows were written to")
        assert path.read_bytes() == before and os.listdir(path.parent) == ["torn.jsonl"]
        assert world.draft.spec.data.train == str(settings.data_folder() / "torn-usable.jsonl")
        await checked(world)
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_usable_rows_are_written_once_and_not_at_all_when_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    path = write(tmp_path / "torn.jsonl", rows())
    path.write_bytes(path.read_bytes() + b'{"prompt": "x"\n')
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    begun, may_go, ended = (threading.Event() for _ in range(3))
    calls: list[Path] = []
    write_rows = writing.write

    def slow(path: Path, out: Path, *, progress: Any = None, **options: Any) -> Any:
        def held(*at: Any) -> None:
            begun.set()
            may_go.wait(10)
            progress(*at)

        calls.append(out)
        try:
            return write_rows(path, out, progress=held, **options)
        finally:
            ended.set()

    monkeypatch.setattr(writing, "write", slow)
    async with at_step(DataScreen, drawn_on(path)) as world:
        await checked(world)
        await world.press("w")
        await world.sees("torn-usable.jsonl")
        await world.press("enter")
        await world.until(begun.is_set)
        await world.sees("One moment")
        await world.press(key)
        if key == "escape":
            await world.until(lambda: isinstance(world.screen, DataScreen))
        may_go.set()
        await world.until(ended.is_set)
        await world.until(lambda: isinstance(world.screen, DataScreen))
        assert len(calls) == 1
        is_left = key == "escape"
        assert os.listdir(calls[0].parent) == ([] if is_left else ["torn-usable.jsonl"])
        assert world.draft.spec.data.train == str(path if is_left else calls[0])


async def test_a_missing_file_and_a_set_on_the_hub_are_told_apart(tmp_path: Path) -> None:
    async with at_step(DataScreen, drawn_on(tmp_path / "gone.jsonl")) as world:
        await checked(world)
        await world.press("enter")
        await world.until(lambda: world.screen.notice.is_error)
        assert not world.outcomes
        assert "gone.jsonl" in world.text and "does not exist" in world.text
    async with at_step(DataScreen, drawn_on(tmp_path / "no" / "such" / "gone.jsonl")) as world:
        await checked(world)
        await world.press("f", "enter")
        await world.sees("Which data should it learn from?", "demo")
        assert "cannot be shown" not in world.text, (
            "the folder is gone, too: it begins where the app was started"
        )
    async with at_step(DataScreen, drawn_on("tatsu-lab/alpaca")) as world:
        await world.sees("tatsu-lab/alpaca a data set on the Hub", "hf download --repo-type dataset")
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])


async def test_esc_stops_a_check_and_what_it_found_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "many.jsonl", rows(6000))
    may_go_on = threading.Event()
    real = gate.check

    def slowly(where: str, *, progress: Any, **options: Any) -> Any:
        def note(so_far: Any) -> None:
            progress(so_far)
            if so_far.rows:
                may_go_on.wait(20)
                progress(so_far)

        return real(where, progress=note, **options)

    monkeypatch.setattr(gate, "check", slowly)
    async with at_step(DataScreen, drawn_on(path)) as world:
        await world.sees("Checking every row …", "so far", "Esc stops it")
        await world.press("enter")
        await world.sees("The check is still running")
        await world.press("escape")
        may_go_on.set()
        await world.sees("stopped early")
        found = world.draft.findings[str(path)]
        assert found.is_partial and 0 < found.rows < 6000 and not world.outcomes
        monkeypatch.setattr(gate, "check", real)
        await world.press("r")
        await world.sees("✓ 6,000 of 6,000")
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])


async def test_a_look_at_a_row_does_not_begin_the_check_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "many.jsonl", rows(2000))
    may_go_on, calls = threading.Event(), []
    real = gate.check

    def slowly(where: str, *, progress: Any, **options: Any) -> Any:
        calls.append(where)
        may_go_on.wait(20)
        return real(where, progress=progress, **options)

    monkeypatch.setattr(gate, "check", slowly)
    async with at_step(DataScreen, drawn_on(path)) as world:
        await world.sees("Checking every row …", "▐It is 0.")
        await world.press("v")
        await world.sees("Row 1 ")
        await world.press("escape")
        await world.until(lambda: isinstance(world.screen, DataScreen))
        may_go_on.set()
        await world.sees("✓ 2,000 of 2,000")
        await checked(world)
        assert len(calls) == 1


async def test_a_large_file_is_checked_before_its_tokens_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "large.jsonl", rows(1000))
    may_go_on, passes = threading.Event(), []
    real = gate.check

    def noted(where: str, *, progress: Any, tokenizer: Any, **options: Any) -> Any:
        def note(so_far: Any) -> None:
            progress(so_far)
            if tokenizer is not None and so_far.rows:
                may_go_on.wait(20)
                progress(so_far)

        passes.append(tokenizer is not None)
        return real(where, progress=note, tokenizer=tokenizer, **options)

    monkeypatch.setattr(gate, "check", noted)
    monkeypatch.setattr(checking, "LARGE_BYTES", 1)
    async with at_step(DataScreen, drawn_on(path)) as world:
        await world.sees("Counting the tokens …", "usable rows, as they are trained", "Length in characters")
        await world.press("escape")
        may_go_on.set()
        await world.sees("✓ 1,000 of 1,000 rows can be trained on")
        await checked(world)
        found = world.draft.findings[str(path)]
        assert not found.is_partial and found.tokens is None, "what the first pass found stays"
        await world.press("t")
        await world.sees("Length in tokens")
        assert passes == [False, True, False, True]


async def test_without_a_tokenizer_rows_are_shown_by_message_and_a_key_would_fetch_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_ft.tui.wizard import data_tokenizer

    fetched = []
    monkeypatch.setenv("HF_HUB_CACHE", str(folder / "no-cache"))
    monkeypatch.setattr(data_tokenizer, "fetch", fetched.append)
    async with at_step(DataScreen, drawn_on(folder / "good.jsonl", "Qwen/Qwen3-8B")) as world:
        await checked(world)
        await world.sees("g fetches it", "Length in characters", "▐It is 0. ▌", "g Tokens")
        assert not fetched, "nothing is asked of the network before somebody asks for it"
        await world.press("v")
        await world.sees("No tokenizer: shown by message")
        await world.press("escape", "g")
        await world.until(lambda: fetched)
        assert fetched[0].id == "Qwen/Qwen3-8B"


async def test_several_files_with_weights_and_one_that_is_held_out(folder: Path) -> None:
    write(folder / "held.jsonl", rows(130)[120:])
    async with at_step(DataScreen, drawn_on(folder / "good.jsonl")) as world:
        await checked(world)
        await world.press("f", "a")
        await world.until(lambda: isinstance(world.screen, PickData))
        await world.type("faulty")
        await world.until(lambda: "held" not in world.text)
        await world.press("enter")
        await world.sees("good.jsonl", "faulty.jsonl", "weight")
        await world.press("+")
        await world.sees("2×")
        await world.press("end", "enter")
        await world.until(lambda: isinstance(world.screen, PickData))
        await world.type("held")
        await world.until(lambda: "good" not in world.text)
        await world.press("enter")
        await world.sees("Held out: ", "held.jsonl")
        await world.press("escape")
        await world.sees("of 3,")
        await checked(world)
        train = world.draft.spec.data.train
        assert isinstance(train, list) and [item.weight for item in train] == [1.0, 2.0]
        assert world.draft.spec.data.eval == str(folder / "held.jsonl")
        assert len(world.draft.findings) == 3
        seen = set()
        for _ in range(3):
            seen |= {name for name in ("good", "faulty", "held") if f"{name}.jsonl (" in world.text}
            before = world.lines[1]
            await world.press("right")
            await world.until(lambda before=before: world.lines[1] != before)
        assert seen == {"good", "faulty", "held"}


async def test_a_step_opened_again_checks_nothing_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = drawn_on(folder / "good.jsonl")
    async with at_step(DataScreen, draft) as world:
        await checked(world)

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was checked again")

    monkeypatch.setattr(gate, "check", never)
    async with at_step(DataScreen, draft) as world:
        await world.sees("✓ 120 of 120")
        await checked(world)
        assert "checked again" not in world.text


async def test_a_bug_below_is_a_sentence_and_not_the_end_of_the_app(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(gate, "check", broken)
    monkeypatch.setattr("tui_ft.data.view.view", broken)
    async with at_step(DataScreen, drawn_on(folder / "good.jsonl")) as world:
        await world.sees("ZeroDivisionError: oops", "It could not be checked")
        await world.press("v")
        await world.sees("✗ ZeroDivisionError: oops")


async def test_nothing_of_a_hostile_set_reaches_the_terminal_as_it_is(tmp_path: Path) -> None:
    evil = "\x1b[31mred\x07\u202eesrever\x9b2J\ud800"
    hostile = [
        {f"prompt{evil}": f"ask {i} {evil}", "completion": f"tell {evil}\x00", evil: [evil]} for i in range(9)
    ]
    path = tmp_path / "e\u202evil\x1b[2J.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in hostile), encoding="utf-8")

    def is_clean(world: World) -> bool:
        text = "".join(world.lines)
        return all(character.isprintable() and character not in "\u202e\x1b" for character in text)

    async with at_step(DataScreen, a_draft()) as world:
        await world.sees("Which data")
        await world.type(str(tmp_path) + "/")
        await world.sees("vil")
        assert is_clean(world)
        await world.press("enter")
        await checked(world)
        for keys in (["down"], ["v"], ["b"], ["r"], ["escape"], ["c"], ["down", "right", "down", "right"]):
            await world.press(*keys)
            await world.pilot.pause()
            assert is_clean(world), keys
        await world.press("escape", "f")
        await world.sees("What it learns from")
        assert is_clean(world)


async def test_in_a_narrow_terminal_the_problems_have_the_room(folder: Path) -> None:
    async with at_step(DataScreen, drawn_on(folder / "faulty.jsonl"), size=(60, 20)) as world:
        await checked(world)
        await world.sees("The answer is empty")
        assert "Length in" not in world.text and all(cell_len(line) <= 60 for line in world.lines)
