"""Which model it is: the hash tells two of one shape apart, and is the same wherever the model lies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tui_ft.data import model_identity
from tui_ft.data.model_identity import ModelIdentity, full_hash, identity_of
from tui_ft.demo import paths


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(paths.model_folder(), folder)
    return folder


def known(folder: Path) -> ModelIdentity:
    found = identity_of(folder)
    assert found is not None
    return found


def test_a_copy_is_the_same_model(model: Path) -> None:
    assert known(model) == known(paths.model_folder())
    assert known(model).files["model.safetensors"] == (model / "model.safetensors").stat().st_size
    assert known(model).commit is None
    (model / "README.md").write_text("words")
    (model / "generation_config.json").write_text("{}")
    assert known(model) == known(paths.model_folder())


def test_other_weights_of_the_same_shape_are_another_model(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, whole = known(model), full_hash(model)
    path = model / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-7] ^= 1
    path.write_bytes(data)
    assert known(model).content_hash != before.content_hash
    assert known(model).tokenizer_hash == before.tokenizer_hash
    assert full_hash(model) != whole
    monkeypatch.setattr(model_identity, "_BLOCK", 1024)  # as of a file that is too large to be read whole
    sampled = known(model).content_hash
    data[len(data) - 100] ^= 1
    path.write_bytes(data)
    assert known(model).content_hash != sampled
    path.write_bytes(data[:-1])
    assert known(model).content_hash != sampled


def test_another_template_is_another_template(model: Path) -> None:
    before = known(model)
    template = model / "chat_template.jinja"
    template.write_text(template.read_text() + "{# #}")
    after = known(model)
    assert after.template_hash != before.template_hash and after.tokenizer_hash != before.tokenizer_hash
    template.unlink()
    config = model / "tokenizer_config.json"
    held = json.loads(config.read_text())
    config.write_text(json.dumps({**held, "chat_template": "{{ messages }}"}))
    assert known(model).template_hash not in (None, after.template_hash)
    config.write_text("[broken")
    assert known(model).template_hash is None


def test_a_snapshot_of_the_hub_has_its_commit(model: Path) -> None:
    snapshot = model.parent / "snapshots" / ("a" * 40)
    snapshot.parent.mkdir()
    shutil.move(model, snapshot)
    assert known(snapshot).commit == "a" * 40
    assert known(snapshot).content_hash == known(paths.model_folder()).content_hash


def test_what_is_no_model(tmp_path: Path) -> None:
    assert identity_of(tmp_path) is None and identity_of(tmp_path / "gone") is None
    (tmp_path / "dangling.json").symlink_to(tmp_path / "nothing")
    assert identity_of(tmp_path) is None
