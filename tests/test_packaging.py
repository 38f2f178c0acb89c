"""What a wheel carries: presets, demo and style sheets, found wherever the package lies."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer would lay it out, far from the source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_finds_its_presets_demo_and_style_sheets(unpacked: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from tui_ft.demo.paths import data_file, model_folder\n"
        "from tui_ft.spec.presets import list_presets\n"
        "presets, problems = list_presets(Path('/nowhere'))\n"
        "assert not problems, problems\n"
        "assert data_file().is_file() and (model_folder() / 'model.safetensors').is_file()\n"
        "from tui_ft.demo.tour import files\n"
        "assert (files.base_folder() / 'model.safetensors').is_file() and files.spec().is_file()\n"
        "assert len(files.read_held_out()) == 24\n"
        "print(len(presets), *sorted({p.path.parent for p in presets}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        cwd=unpacked,
        env={"PYTHONPATH": str(unpacked), "PATH": "/usr/bin:/bin"},
        check=True,
    )
    count, folder = done.stdout.split()
    assert int(count) == len(list((ROOT / "presets").glob("*.toml"))) >= 8
    assert Path(folder) == unpacked / "tui_ft" / "presets"
    sheets = {path.relative_to(ROOT) for path in (ROOT / "tui_ft").rglob("*.tcss")}
    assert sheets == {path.relative_to(unpacked) for path in unpacked.rglob("*.tcss")}


def test_the_demo_model_is_small() -> None:
    folder = ROOT / "tui_ft" / "demo" / "model"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 3_000_000
