"""Where relative paths of a spec lie, and specs of other schemas."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.spec import toml
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import DataSection, DataSource, ModelSection, RunSpec


def test_paths_that_exist_become_absolute_and_the_rest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").touch()
    (tmp_path / "models").mkdir()
    spec = RunSpec(
        model=ModelSection(id="models", adapter="org/adapter"),
        data=DataSection(
            train=[DataSource(path="data.jsonl", weight=2), DataSource(path="org/set")], eval="absent.jsonl"
        ),
    )
    settled = absolute_paths(spec, tmp_path)
    assert settled.model == ModelSection(id=str(tmp_path / "models"), adapter="org/adapter")
    assert settled.data.train == [
        DataSource(path=str(tmp_path / "data.jsonl"), weight=2),
        DataSource(path="org/set"),
    ]
    assert settled.data.eval == "absent.jsonl"
    assert absolute_paths(settled, Path("/")) == settled


def test_demo_means_the_built_in_things_whatever_lies_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    spec = RunSpec(model=ModelSection(id="demo"), data=DataSection(train="demo"))
    assert absolute_paths(spec, tmp_path) == spec


def test_the_home_folder_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.jsonl").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    spec = RunSpec(data=DataSection(train="~/x.jsonl"))
    assert absolute_paths(spec, Path("/")).data.train == str(tmp_path / "x.jsonl")


@pytest.mark.parametrize("name", ["x" * 5000, "~nobody-of-that-name/x", "a\0b"])
def test_what_can_be_no_path_is_left_alone(name: str, tmp_path: Path) -> None:
    spec = RunSpec(data=DataSection(train=name))
    assert absolute_paths(spec, tmp_path) == spec


@pytest.mark.parametrize("schema", ["", "schema = 1\n"])
def test_the_present_schema_is_read_with_and_without_its_number(schema: str) -> None:
    assert toml.loads(f'{schema}[model]\nid = "demo"\n').model.id == "demo"


@pytest.mark.parametrize(
    ("schema", "says"),
    [("2", "knows up to 1"), ("0", "from 1 on"), ('"1"', "from 1 on"), ("true", "from 1 on")],
)
def test_another_schema_is_refused_politely(schema: str, says: str) -> None:
    with pytest.raises(TuiFtError) as caught:
        toml.loads(f'schema = {schema}\n[model]\nid = "demo"\nunheard_of = 1\n', "new.toml")
    assert caught.value.message.startswith("new.toml, line 1: ")
    assert says in caught.value.message
