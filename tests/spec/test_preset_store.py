"""The user's presets: kept, renamed, deleted, with the keys that were chosen for them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.spec import overrides, preset_store, toml
from tui_ft.spec.preset_keys import FILE, assign
from tui_ft.spec.presets import find_preset, list_presets
from tui_ft.spec.run_spec import RunSpec

WRITTEN = '# mine, by hand\n\n[model]\nid = "org/x"  # the good one\n\n[method]\nrank = 8\n'


def spec(*changes: str) -> RunSpec:
    return overrides.apply(toml.loads(WRITTEN), changes)


def keys(folder: Path) -> dict[str, str | None]:
    return {preset.name: preset.key for preset in list_presets(folder)[0]}


def test_a_saved_preset_is_found_and_means_the_same(tmp_path: Path) -> None:
    saved = preset_store.save(spec("method.rank=32"), "big", summary="A big one.", folder=tmp_path)
    assert find_preset("big", tmp_path).spec == spec("method.rank=32") == saved.spec
    assert (saved.summary, saved.source, saved.key) == ("A big one.", "user", "9")
    assert stat.S_IMODE(saved.path.stat().st_mode) == 0o600


def test_what_a_person_wrote_stays(tmp_path: Path) -> None:
    saved = preset_store.save(spec("method.rank=32"), "big", text=WRITTEN, folder=tmp_path)
    assert saved.text == WRITTEN.replace("rank = 8", "rank = 32")
    again = preset_store.save(spec(), "small", text=WRITTEN, summary="Small.", folder=tmp_path)
    assert again.text == WRITTEN.replace("# mine, by hand", "# Small.")


def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    preset_store.save(spec(), "one", folder=tmp_path)
    with pytest.raises(TuiFtError, match="already"):
        preset_store.save(spec("method.rank=64"), "one", folder=tmp_path)
    assert find_preset("one", tmp_path).spec == spec()
    preset_store.save(spec("method.rank=64"), "one", replace=True, folder=tmp_path)
    assert find_preset("one", tmp_path).spec == spec("method.rank=64")


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../up", "a b", "x" * 61, "a\nb", "\x1b[31m"])
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TuiFtError, match="name of a preset") as refused:
        preset_store.save(spec(), name, folder=tmp_path)
    assert str(refused.value).isprintable()
    assert list(tmp_path.iterdir()) == []


def test_a_new_preset_moves_no_other_ones_key(tmp_path: Path) -> None:
    before = keys(tmp_path)
    mine = preset_store.save(spec(), "mine", folder=tmp_path)
    free = next(key for key in "123456789" if key not in before.values())
    assert mine.key == free
    assert {name: key for name, key in keys(tmp_path).items() if name != "mine"} == before
    second = preset_store.save(spec(), "second", folder=tmp_path)
    assert second.key is None, "all nine are taken"
    preset_store.delete(mine, folder=tmp_path)
    assert {name: key for name, key in keys(tmp_path).items() if name in before} == before


def test_a_chosen_key_is_kept_and_taken_from_the_one_that_had_it(tmp_path: Path) -> None:
    for name, key in zip("abc", "123", strict=True):
        preset_store.save(spec(), name, key=key, folder=tmp_path)
    assert [keys(tmp_path)[name] for name in "abc"] == ["1", "2", "3"]
    assert preset_store.choose_key("c", "1", folder=tmp_path) == "a"
    assert [keys(tmp_path)[name] for name in "abc"] == ["3", "2", "1"]
    assert preset_store.choose_key("c", "1", folder=tmp_path) is None
    preset_store.save(spec(), "0first", folder=tmp_path)
    assert [keys(tmp_path)[name] for name in "ac"] == ["3", "1"], "a new preset takes no chosen key"


def test_a_shipped_preset_can_have_a_key_chosen_too(tmp_path: Path) -> None:
    preset_store.save(spec(), "mine", key="9", folder=tmp_path)
    assert keys(tmp_path)["mine"] == "9"
    assert preset_store.choose_key("demo", "9", folder=tmp_path) == "mine"
    assert keys(tmp_path)["demo"] == "9"


@pytest.mark.parametrize("key", ["0", "a", "12", "", "¹"])
def test_another_key_than_a_digit_from_1_to_9_is_refused(key: str, tmp_path: Path) -> None:
    preset_store.save(spec(), "mine", folder=tmp_path)
    with pytest.raises(TuiFtError, match="1 to 9"):
        preset_store.choose_key("mine", key, folder=tmp_path)


def test_a_file_elsewhere_is_neither_renamed_nor_deleted(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text(WRITTEN)
    found, folder = find_preset(str(file), tmp_path / "presets"), tmp_path / "presets"
    for change in (lambda: preset_store.rename(found, "x", folder=folder),
                   lambda: preset_store.delete(found, folder=folder)):  # fmt: skip
        with pytest.raises(TuiFtError, match="is a file, not a preset"):
            change()
    assert file.read_text() == WRITTEN


def test_only_a_preset_has_a_key(tmp_path: Path) -> None:
    saved = preset_store.save(spec(), "mine", folder=tmp_path)
    with pytest.raises(TuiFtError, match="is a file, not a preset"):
        preset_store.choose_key(str(saved.path), "3", folder=tmp_path)
    with pytest.raises(TuiFtError, match="no preset"):
        preset_store.choose_key("nosuch", "3", folder=tmp_path)


def test_a_renamed_preset_keeps_its_key_and_its_text(tmp_path: Path) -> None:
    before = preset_store.save(spec(), "old", key="7", text=WRITTEN, folder=tmp_path)
    after = preset_store.rename(before, "new", folder=tmp_path)
    assert (after.name, after.key, after.text) == ("new", "7", WRITTEN)
    assert "old" not in keys(tmp_path)
    preset_store.save(spec(), "other", folder=tmp_path)
    with pytest.raises(TuiFtError, match="already"):
        preset_store.rename(after, "other", folder=tmp_path)


def test_a_deleted_preset_gives_its_key_back(tmp_path: Path) -> None:
    mine = preset_store.save(spec(), "mine", key="7", folder=tmp_path)
    preset_store.delete(mine, folder=tmp_path)
    assert "mine" not in keys(tmp_path)
    preset_store.save(spec(), "mine", folder=tmp_path)
    assert keys(tmp_path)["mine"] == "7", "it is the one that is free"


def test_shipped_presets_are_neither_renamed_nor_deleted(tmp_path: Path) -> None:
    shipped = find_preset("qlora-8b-24gb", tmp_path)
    for change in (lambda: preset_store.rename(shipped, "x", folder=tmp_path),
                   lambda: preset_store.delete(shipped, folder=tmp_path)):  # fmt: skip
        with pytest.raises(TuiFtError, match="comes with tui-ft"):
            change()
    assert shipped.path.exists()


@pytest.mark.parametrize(
    "text", ["1 = ", '"0" = "demo"', '"12" = "demo"', "a = " + "[" * 5000, '"1" = 3', "\xff"]
)
def test_a_damaged_file_of_keys_is_a_sentence_and_costs_no_preset(text: str, tmp_path: Path) -> None:
    preset_store.save(spec(), "mine", folder=tmp_path)
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    found, problems = list_presets(tmp_path)
    assert (found[0].name, found[0].key) == ("mine", "1")
    assert len(problems) == 1
    assert FILE in problems[0]


def test_keys_of_presets_that_are_gone_are_free_again() -> None:
    assert assign(["a", "b"], {"1": "gone", "2": "a"}) == {"a": "2", "b": "1"}


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "presets").write_text("a file is in the way")
    with pytest.raises(TuiFtError, match="cannot be written"):
        preset_store.save(spec(), "mine", folder=tmp_path / "presets")
