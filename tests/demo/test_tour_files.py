"""The tour's files are whole, small, faulty as announced, and made by the script that makes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui_ft.data import gate
from tui_ft.demo.tour import files
from tui_ft.spec import toml
from tui_ft.spec.paths import absolute_paths

LIMIT_BYTES = 3_000_000
FILES = (files.handbook(), files.first_draft(), files.questions(), files.held_out())


def test_the_base_model_is_small_and_whole() -> None:
    names = {path.name for path in files.base_folder().iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= names
    assert sum(path.stat().st_size for path in files.base_folder().iterdir()) <= LIMIT_BYTES
    for path in files.base_folder().glob("*.json"):
        assert "/tmp" not in path.read_text(encoding="utf-8")


def test_the_first_draft_has_the_three_faults_that_are_spoken_of() -> None:
    found = gate.check(files.first_draft())
    by_code = {problem.code: problem for problem in found.problems}
    assert by_code["empty_answer"].count == 1
    assert by_code["duplicate"].count == 1
    assert by_code["personal_data"].count == 1
    assert (found.rows, found.usable_rows) == (113, 112)
    lines = files.first_draft().read_text(encoding="utf-8").splitlines()
    assert "@" in lines[by_code["personal_data"].rows[0] - 1]
    assert '"content": ""' in lines[by_code["empty_answer"].rows[0] - 1]


@pytest.mark.parametrize("path", [files.questions(), files.held_out()], ids=lambda path: path.name)
def test_the_mended_file_and_the_held_out_one_have_no_fault(path: Path) -> None:
    found = gate.check(path)
    assert found.usable_rows == found.rows
    assert not found.errors
    assert not {"duplicate", "personal_data"} & {problem.code for problem in found.problems}


def test_no_page_of_a_held_out_question_is_trained_on() -> None:
    trained = {pair.page for pair in files.read_questions()}
    asked = {pair.page for pair in files.read_held_out()}
    assert len(asked) == 6
    assert len(trained) == 14
    assert not trained & asked


def test_every_answer_stands_in_the_handbook_with_its_page() -> None:
    handbook = files.handbook().read_text(encoding="utf-8")
    for pair in (*files.read_questions(), *files.read_held_out()):
        rule = pair.expected.removeprefix("Our handbook says: ").removesuffix(f" ({pair.page})")
        assert f"\n{rule}\n" in handbook
        assert f"\n{rule}\n" in pair.prompt
        assert pair.question.endswith("?")


def test_the_spec_is_whole_and_names_the_files() -> None:
    spec = absolute_paths(toml.load(files.spec()), files.spec().parent)
    assert spec.model.id == str(files.base_folder())
    assert (spec.data.train, spec.data.eval) == (str(files.questions()), str(files.held_out()))


@pytest.mark.train
@pytest.mark.filterwarnings("default")
def test_the_script_makes_these_very_texts(tmp_path: Path) -> None:
    make_tour = pytest.importorskip("tui_ft.train.make_tour")
    assert make_tour.main(["--out", str(tmp_path), "--no-model"]) == 0
    for path in FILES:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.train
@pytest.mark.filterwarnings("default")
def test_the_script_makes_the_tokenizer_of_the_base_model() -> None:
    make_tour = pytest.importorskip("tui_ft.train.make_tour")
    shipped = json.loads((files.base_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    assert make_tour.make_tokenizer().get_vocab() == shipped["model"]["vocab"] | {
        token["content"]: token["id"] for token in shipped["added_tokens"]
    }
