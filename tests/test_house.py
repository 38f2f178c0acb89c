"""The house rules that no linter knows: what the app may import, and who may know a file's name."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tui_ft"
HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "accelerate", "bitsandbytes"}
OWN_FILES = (
    "state.json", "metrics.jsonl", "events.jsonl", "hardware.jsonl", "output.log", "prediction.json",
    "health.jsonl", "launch.json",
)  # fmt: skip
STARTING = ("tui/editor.py", "train/simulate/shim.py", "vram/exact.py")
"""Modules outside runs/ and doctor/ that start a process: an editor, a compiler, the trainer's side."""


def imports_of(path: Path) -> set[str]:
    """Every top-level package that a module imports, deferred imports too; not those for types only."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def modules(*, outside: tuple[str, ...] = ()) -> list[Path]:
    return [p for p in sorted(PACKAGE.rglob("*.py")) if p.relative_to(PACKAGE).parts[0] not in outside]


@pytest.mark.parametrize("module", modules(outside=("train",)), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_trainer_imports_the_training_libraries(module: Path) -> None:
    assert not imports_of(module) & HEAVY


@pytest.mark.parametrize("module", modules(outside=("tui",)), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_tui_imports_textual(module: Path) -> None:
    assert "textual" not in imports_of(module)


@pytest.mark.parametrize(
    "module", modules(outside=("runs", "doctor")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_only_runs_and_the_editor_start_processes(module: Path) -> None:
    if module.relative_to(PACKAGE).as_posix() not in STARTING:
        assert "subprocess" not in imports_of(module)


@pytest.mark.parametrize("module", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_file_names_of_the_run_directory_stand_in_one_module(module: Path) -> None:
    if module.relative_to(PACKAGE).as_posix() == "runs/directory.py":
        return
    strings = [
        node.value
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    exact = [text for text in strings if text in OWN_FILES]
    assert not exact


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_app_starts_without_torch_numpy_or_nvml() -> None:
    loaded = loaded_by(
        "import tui_ft.tui.main, tui_ft.tui.app, tui_ft.tui.screens.home, tui_ft.tui.screens.run"
    )
    assert "textual" in loaded
    assert not loaded & (HEAVY | {"numpy", "pynvml", "pyarrow", "huggingface_hub", "psutil", "pydantic"})


def test_the_supervisor_starts_without_textual_or_torch() -> None:
    loaded = loaded_by("import tui_ft.runs.supervisor")
    assert not loaded & (HEAVY | {"textual", "rich", "numpy", "pynvml", "huggingface_hub"})


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
    )
    assert done.returncode == 0, done.stdout + done.stderr
