"""Settings, the trainer's interpreter and its libraries."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest
from doctor_world import GIB, GOOD_TRAINER, a_box, only

import tui_ft
from tui_ft import settings
from tui_ft.doctor import trainer_report
from tui_ft.doctor.checks import own_files, software
from tui_ft.doctor.trainer_report import TrainerReport, ask_trainer, known_report
from tui_ft.hardware.gpu import Gpu, GpuReading

GPU = GpuReading((Gpu(index=0, uuid="GPU-a", name="NVIDIA H100", total_bytes=80 * GIB),))


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))


def write_settings(text: str) -> Path:
    path = settings.settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)
    return path


def changed(**fields: object) -> TrainerReport:
    return msgspec.structs.replace(GOOD_TRAINER, **fields)


def test_settings_that_are_wrong_or_everybodys(tmp_path: Path) -> None:
    box = tmp_path / "box"
    assert own_files.settings_file(a_box(box)) == []
    write_settings('runs_root = "/x"\n')
    assert only(own_files.settings_file(a_box(box))).level == "ok"
    write_settings("rnus_root = 1\n")
    found = only(own_files.settings_file(a_box(box)))
    assert found.level == "error" and "rnus_root" in found.what
    write_settings('[hooks]\nstop = "true"\n')
    found = only(own_files.settings_file(a_box(box)))
    assert found.level == "warning" and "chmod 600" in found.fix
    settings.settings_file().chmod(0o600)
    assert only(own_files.settings_file(a_box(box))).level == "ok"


def test_a_folder_of_our_own_that_cannot_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder = tmp_path / "box" / str(tmp_path).lstrip("/")
    folder.mkdir(parents=True)
    folder.chmod(0o500)
    assert own_files.own_folders(a_box(tmp_path / "box"))[0].level == "warning"


def test_a_compiler_and_headers_are_needed_on_a_gpu(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    bare = {"PATH": str(tmp_path / "bin")}
    assert software.compiler(a_box(tmp_path / "a", environment=bare)) == []
    found = only(software.compiler(a_box(tmp_path / "b", environment=bare, gpus=GPU)))
    assert found.level == "error" and "gcc" in found.fix
    compiler = tmp_path / "bin" / "gcc"
    compiler.write_text("#!/bin/sh\n")
    compiler.chmod(0o755)
    assert only(software.compiler(a_box(tmp_path / "c", environment=bare, gpus=GPU))).level == "ok"
    lacking = a_box(tmp_path / "d", gpus=GPU, trainer=changed(has_header=False))
    assert only(software.python_headers(lacking)).fix == "sudo apt-get install -y python3.11-dev"
    assert software.python_headers(a_box(tmp_path / "e", trainer=changed(has_header=False))) == []


def test_libraries_that_are_missing_too_old_or_too_new(tmp_path: Path) -> None:
    assert only(software.libraries(a_box(tmp_path, trainer=GOOD_TRAINER))).level == "ok"
    versions = {**GOOD_TRAINER.versions, "trl": None, "torch": "2.5.1", "transformers": "6.0.1"}
    found = only(software.libraries(a_box(tmp_path, trainer=changed(versions=versions))))
    assert found.level == "error"
    for words in ("trl is missing", "torch 2.5.1 is too old", "transformers 6.0.1 is too new"):
        assert words in found.what
    assert (
        found.fix == "/opt/py/bin/python -m pip install 'trl>=1.16,<2' 'torch>=2.6' 'transformers>=5.23,<6'"
    )


def test_the_least_versions_are_those_of_the_package() -> None:
    path = Path(tui_ft.__file__).parent.parent / "pyproject.toml"
    if not path.exists():
        pytest.skip("an installed package brings no pyproject.toml")
    listed = tomllib.loads(path.read_text())["project"]["dependencies"]
    asked = {match[1]: match[2] for one in listed if (match := re.match(r"([\w-]+)>=([\d.]+)", one))}
    least = {name: ".".join(map(str, version)) for name, version in software.NEEDED.items()}
    assert least == {name: asked[name] for name in least}
    most = {match[1]: int(match[2]) for one in listed if (match := re.match(r"([\w-]+)>=.*<(\d+)", one))}
    assert most == software.TOO_NEW


def test_an_interpreter_that_is_another_one(tmp_path: Path) -> None:
    ours = str(Path(tui_ft.__file__).parent)
    same = changed(package=ours, python=".".join(map(str, sys.version_info[:3])))
    assert software.trainer_python(a_box(tmp_path, trainer=same)) == []
    old = changed(package=ours, python="3.9.2")
    assert software.trainer_python(a_box(tmp_path, trainer=old))[0].level == "error"
    without = changed(package=None)
    assert "cannot import tui_ft" in software.trainer_python(a_box(tmp_path, trainer=without))[0].what
    versions = {**GOOD_TRAINER.versions, "tui-ft": "0.0.1"}
    other = changed(package="/elsewhere/tui_ft", versions=versions)
    found = software.trainer_python(a_box(tmp_path, trainer=other))[0]
    assert found.level == "error" and f"this is {tui_ft.__version__}" in found.what
    silent = TrainerReport(problem="/py does not answer")
    assert only(software.trainer_answers(a_box(tmp_path, trainer=silent))).level == "error"
    assert software.libraries(a_box(tmp_path, trainer=silent)) == []
    versions = {**GOOD_TRAINER.versions, "pynvml": "13.0.1"}
    assert only(software.nvml_package(a_box(tmp_path, trainer=changed(versions=versions)))).is_command


def test_the_trainer_gets_this_program_from_where_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the public index the name is another's."""
    project = tmp_path / "my src"
    (project / "tui_ft").mkdir(parents=True)
    monkeypatch.setattr(tui_ft, "__file__", str(project / "tui_ft" / "__init__.py"))
    box = a_box(tmp_path, trainer=changed(package=None))
    assert not only(software.trainer_python(box)).is_command
    (project / "pyproject.toml").write_text('[project]\nname = "another"\n')
    assert not only(software.trainer_python(box)).is_command
    (project / "pyproject.toml").write_text('[project]\nname = "tui-ft"\n')
    versions = {**GOOD_TRAINER.versions, "tui-ft": "0.0.1"}
    for report in (changed(package=None), changed(package="/elsewhere/tui_ft", versions=versions)):
        found = software.trainer_python(a_box(tmp_path, trainer=report))[0]
        assert found.is_command and found.fix == f"/opt/py/bin/python -m pip install '{project}'"


# --- asking it --------------------------------------------------------------------------------------


def stand_in(tmp_path: Path, script: str) -> Path:
    """An interpreter of the trainer that is a shell script; it counts how often it was asked."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\n{script}\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    write_settings(f'trainer_python = "{python}"\n')
    return python


def times_asked(tmp_path: Path) -> int:
    return len((tmp_path / "asked").read_text().split())


def test_the_answer_is_kept_until_something_changes(tmp_path: Path) -> None:
    place = tmp_path / "site-packages"
    place.mkdir()
    answer = json.dumps({"python": "3.12.1", "executable": "/py", "places": [str(place)]})
    python = stand_in(tmp_path, f"echo a word of a site customisation\necho '{answer}'")
    assert known_report() is None
    assert ask_trainer("550").python == "3.12.1"
    assert ask_trainer("550").executable == "/py" and times_asked(tmp_path) == 1
    assert known_report("550") is not None and known_report("560") is None
    (place / "torch").mkdir()  # something was installed
    assert known_report("550") is None
    ask_trainer("550")
    os.utime(python, (1, 1))
    ask_trainer("550")
    assert times_asked(tmp_path) == 3
    kept = next((settings.cache_folder() / "doctor").iterdir())
    kept.write_text('{"key": [], "report": 1}')
    assert ask_trainer("550").python == "3.12.1" and times_asked(tmp_path) == 4


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'no module' >&2; exit 3", "no module"),
        ("exit 3", "exit 3"),
        ("echo nonsense", "no report"),
        ("printf '\\377\\376'", "no report"),
        ("sleep 30", "did not answer"),
    ],
)
def test_an_interpreter_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    monkeypatch.setattr(trainer_report, "PATIENCE_S", 1.0)
    stand_in(tmp_path, script)
    assert words in (ask_trainer().problem or "")
    assert known_report() is None


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    write_settings('trainer_python = "/not/there/python"\n')
    assert "not there" in (ask_trainer().problem or "")


def test_the_probe_tells_what_this_interpreter_has() -> None:
    from tui_ft.train import installed

    assert installed.version("pytest") and installed.version("no-such-package") is None
    assert installed.folder_of("tui_ft") == str(Path(tui_ft.__file__).parent)
    assert installed.folder_of("no_such_package") is None
    assert set(software.NEEDED) <= set(installed.PACKAGES)
