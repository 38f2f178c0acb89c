"""The programs: a compiler, and the interpreter that trains with its libraries."""

from __future__ import annotations

import platform
import re
import shutil
from pathlib import Path
from shlex import quote

import tui_ft
from tui_ft import settings
from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, error, note, ok
from tui_ft.doctor.trainer_report import TrainerReport
from tui_ft.doctor.words import short

NEEDED = {
    "torch": (2, 6), "transformers": (5, 23), "trl": (1, 16), "peft": (0, 21), "accelerate": (1, 15),
    "datasets": (5, 2), "safetensors": (0, 8), "tokenizers": (0, 22), "msgspec": (0, 19),
}  # fmt: skip
"""The least versions that this program trains with: those of its pyproject.toml (a test compares them)."""
TOO_NEW = {"transformers": 6, "trl": 2}
LEAST_PYTHON = (3, 11)
COMPILERS = ("cc", "gcc", "clang")


def compiler(box: Box) -> list[Finding]:
    """trl's loss kernel is compiled at the first step on every CUDA GPU; without a compiler no run starts."""
    if not box.gpus.gpus:
        return []
    named = box.environment.get("CC")
    path = box.environment.get("PATH")
    if any(shutil.which(name, path=path) for name in (*([named] if named else []), *COMPILERS)):
        return [ok("compiler", "A C compiler is there.")]
    what = "There is no C compiler: a GPU's loss kernel is compiled at the first step, so no run would start."
    return [error("compiler", what, command="sudo apt-get update && sudo apt-get install -y gcc")]


# --- the trainer's interpreter -----------------------------------------------------------------------


def trainer_answers(box: Box) -> list[Finding]:
    trainer = box.trainer
    if trainer is None:
        return []
    if trainer.problem is not None:
        where = settings.settings_file()
        fix = f"Mend trainer_python in {where}, or install tui-ft there."
        return [error("trainer_answers", short(trainer.problem, 200), fix)]
    return [ok("trainer_answers", f"Training runs in {short(trainer.executable)}, Python {trainer.python}.")]


def trainer_python(box: Box) -> list[Finding]:
    """The interpreter that trains is new enough, and has the same version of this program."""
    trainer = _answer(box)
    if trainer is None:
        return []
    found = []
    if _version(trainer.python)[:2] < LEAST_PYTHON:
        what = f"The trainer's Python is {short(trainer.python, 20)}, and 3.11 is needed."
        found.append(error("trainer_python", what, "Make its environment with a newer Python."))
    ours = str(Path(tui_ft.__file__).resolve().parent)
    theirs = str(Path(trainer.package).resolve()) if trainer.package else None
    installed = trainer.versions.get("tui-ft")
    if theirs is None:
        what = "The trainer's interpreter cannot import tui_ft."
        found.append(_install(trainer, what))
    elif theirs != ours and installed not in (None, tui_ft.__version__):
        what = f"The trainer has tui-ft {short(installed or '', 20)}, and this is {tui_ft.__version__}."
        found.append(_install(trainer, what))
    if not found and trainer.python != platform.python_version():
        what = (
            f"The app runs on Python {platform.python_version()}, the trainer on {short(trainer.python, 20)}."
        )
        found.append(note("trainer_python", what))
    return found


def _install(trainer: TrainerReport, what: str) -> Finding:
    """From where this program came: on the public index the name is another's."""
    source = source_folder()
    if source is not None:
        command = f"{quote(trainer.executable)} -m pip install {quote(str(source))}"
        return error("trainer_python", what, command=command)
    fix = f"Install tui-ft {tui_ft.__version__} there, from the same source or wheel as here (not from PyPI)."
    return error("trainer_python", what, fix)


def source_folder() -> Path | None:
    """The source tree that this program runs from; None where it was installed without one."""
    root = Path(tui_ft.__file__).resolve().parents[1]
    try:
        is_ours = 'name = "tui-ft"' in (root / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return root if is_ours else None


def libraries(box: Box) -> list[Finding]:
    trainer = _answer(box)
    if trainer is None:
        return []
    missing = [name for name in NEEDED if trainer.versions.get(name) is None]
    old = [
        name
        for name, least in NEEDED.items()
        if (have := trainer.versions.get(name)) is not None and _version(have) < least
    ]
    new = [
        name
        for name, major in TOO_NEW.items()
        if (have := trainer.versions.get(name)) is not None and _version(have)[:1] >= (major,)
    ]
    wrong = [*missing, *old, *new]
    if not wrong:
        shown = ", ".join(f"{name} {short(trainer.versions[name] or '', 20)}" for name in list(NEEDED)[:4])
        return [ok("libraries", f"The training libraries are there: {shown}.")]
    said = [f"{name} is missing" for name in missing]
    said += [f"{name} {short(trainer.versions[name] or '', 20)} is too old" for name in old]
    said += [f"{name} {short(trainer.versions[name] or '', 20)} is too new" for name in new]
    command = f"{quote(trainer.executable)} -m pip install " + " ".join(_wanted(name) for name in wrong)
    return [error("libraries", f"In the trainer's interpreter {', '.join(said)}.", command=command)]


def _wanted(name: str) -> str:
    least = ".".join(map(str, NEEDED.get(name, ())))
    upper = f",<{TOO_NEW[name]}" if name in TOO_NEW else ""
    return quote(f"{name}>={least}{upper}")


def python_headers(box: Box) -> list[Finding]:
    """triton compiles a part of its launcher against Python's own headers."""
    trainer = _answer(box)
    if trainer is None or trainer.has_header or not box.gpus.gpus:
        return []
    minor = ".".join(trainer.python.split(".")[:2])
    what = "The headers of the trainer's Python are missing: kernels cannot be compiled at the first step."
    return [error("python_headers", what, command=f"sudo apt-get install -y python{minor}-dev")]


def nvml_package(box: Box) -> list[Finding]:
    """Two packages bring the module pynvml; the one of that name prints warnings into the terminal."""
    trainer = _answer(box)
    if trainer is None or trainer.versions.get("pynvml") is None:
        return []
    python = quote(trainer.executable)
    what = "The package pynvml is installed; it hides nvidia-ml-py, and torch warns about it in every output."
    command = f"{python} -m pip uninstall -y pynvml && {python} -m pip install --force-reinstall nvidia-ml-py"
    return [note("nvml_package", what, command=command)]


def _answer(box: Box) -> TrainerReport | None:
    trainer = box.trainer
    return trainer if trainer is not None and trainer.problem is None else None


def _version(text: str) -> tuple[int, ...]:
    """The numbers a version begins with: (2, 6, 0) of 2.6.0+cu124."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part[:9]) for part in match[0].split(".")) if match else ()
