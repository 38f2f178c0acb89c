"""The hub's token: looked for everywhere, shown nowhere."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from doctor_world import TOKEN, a_box, only, write

from tui_ft.doctor.checks import hub
from tui_ft.doctor.examine import examine
from tui_ft.spec import toml
from tui_ft.spec.run_spec import ModelSection, RunSpec


@pytest.fixture(autouse=True)
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "config" / "tui-ft" / "presets"
    folder.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    yield folder


def gated(folder: Path) -> None:
    spec = RunSpec(model=ModelSection(id="meta-llama/Llama-3.1-8B"))
    (folder / "llama.toml").write_text(toml.dumps(spec))


def test_where_a_token_is_found(tmp_path: Path) -> None:
    root = tmp_path / "box"
    assert only(hub.hub_token(a_box(root))).level == "note"
    named = a_box(root, environment={"HF_TOKEN": TOKEN})
    assert only(hub.hub_token(named)).what == "A Hugging Face token is there (HF_TOKEN)."
    write(root, {"/home/me/.cache/huggingface/token": TOKEN})
    assert only(hub.hub_token(a_box(root))).level == "ok"
    moved = a_box(root, environment={"HF_HOME": "/hf"})
    assert only(hub.hub_token(moved)).level == "note"


def test_a_gated_model_without_a_token_is_a_warning(tmp_path: Path, presets: Path) -> None:
    gated(presets)
    found = only(hub.hub_token(a_box(tmp_path / "box")))
    assert found.level == "warning" and "meta-llama/Llama-3.1-8B" in found.what
    assert found.fix == "hf auth login"


def test_a_token_of_the_first_process_is_taken_over_without_showing_it(tmp_path: Path, presets: Path) -> None:
    gated(presets)
    environ = f"PATH=/bin\0HF_TOKEN={TOKEN}\0WANDB_API_KEY=wandbsecret\0CUDA_VERSION=12.4\0".encode()
    box = a_box(tmp_path / "box", files={"/proc/1/environ": environ})
    found = only(hub.hub_token(box))
    assert found.level == "warning" and "started with HF_TOKEN" in found.what
    beside = only(hub.session_environment(box))
    assert "WANDB_API_KEY" in beside.what and "CUDA_VERSION" not in beside.what
    everything = "".join(f"{one.what}{one.fix}" for _, one in examine(box))
    assert TOKEN not in everything and "wandbsecret" not in everything
    here = f"/proc/{1}/environ"
    command = found.fix.replace(here, str(tmp_path / "box" / "proc" / "1" / "environ"))
    done = subprocess.run(["sh", "-c", f'{command}; printf %s "$HF_TOKEN"'], capture_output=True, text=True)
    assert done.stdout == TOKEN and done.stderr == ""
    silent = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert silent.stdout == "" and silent.stderr == ""


def test_a_name_of_a_variable_never_becomes_a_command(tmp_path: Path) -> None:
    environ = b"HF_X$(reboot)=1\0HF_\x1b[31m=2\0HF_`id`=3\0"
    box = a_box(tmp_path / "box", files={"/proc/1/environ": environ})
    assert hub.session_environment(box) == []


def test_a_token_file_that_others_can_read(tmp_path: Path) -> None:
    root = tmp_path / "box"
    write(root, {"/home/me/.cache/huggingface/token": TOKEN})
    path = root / "home/me/.cache/huggingface/token"
    path.chmod(0o644)
    found = only(hub.token_is_private(a_box(root)))
    assert found.fix == "chmod 600 /home/me/.cache/huggingface/token" and TOKEN not in found.what
    path.chmod(0o600)
    assert hub.token_is_private(a_box(root)) == []


def test_a_token_file_in_a_home_folder_of_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "box"
    monkeypatch.setenv("HOME", "/home/me")
    write(root, {"/home/me/secret/token": TOKEN})
    (root / "home/me/secret/token").chmod(0o644)
    found = only(hub.token_is_private(a_box(root, environment={"HF_TOKEN_PATH": "~/secret/token"})))
    assert found.fix == "chmod 600 /home/me/secret/token"


def test_offline_by_mistake(tmp_path: Path, presets: Path) -> None:
    root = tmp_path / "box"
    assert hub.offline(a_box(root, environment={"HF_HUB_OFFLINE": "0"})) == []
    assert only(hub.offline(a_box(root, environment={"HF_HUB_OFFLINE": "1"}))).level == "note"
    gated(presets)
    found = only(hub.offline(a_box(root, environment={"HF_HUB_OFFLINE": "1"})))
    assert found.level == "warning" and found.fix == "unset HF_HUB_OFFLINE"
    (root / "home/me/.cache/huggingface/hub/models--meta-llama--Llama-3.1-8B/snapshots").mkdir(parents=True)
    assert only(hub.offline(a_box(root, environment={"HF_HUB_OFFLINE": "1"}))).level == "note"
