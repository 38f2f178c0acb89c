"""Lets a CPU build of torch simulate CUDA: compiles `fake_cuda.cpp` once and loads it before torch.

Importing this module imports no torch.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tui_ft.errors import TuiFtError

SOURCE = Path(__file__).with_name("fake_cuda.cpp")

FOLDER_VARIABLE = "TUI_FT_SHIM_FOLDER"
"""Where the compiled library is kept; whoever starts the simulation sets it to the user's cache folder."""

COMPILER_VARIABLE = "CXX"

_COMPILERS = ("g++", "c++", "clang++")
_FLAGS = ("-std=c++20", "-O1", "-shared", "-fPIC")
_TIME_LIMIT_S = 300.0
_ACCELERATED = ("libc10_cuda.so", "libc10_hip.so")

_loaded: list[ctypes.CDLL] = []


def load(folder: Path | None = None) -> None:
    """Make fake CUDA tensors possible in this process; call it before torch is imported.

    Does nothing on a build of torch that brings CUDA itself, and nothing the second time.
    Raises `TuiFtError` where there is no torch, no compiler, or the library cannot be compiled or loaded.
    """
    torch = _torch_folder()
    if _loaded or has_cuda(torch):
        return
    if "torch" in sys.modules:
        raise RuntimeError("torch was imported before the simulation's library")
    library = compiled(folder or default_folder(), torch)
    try:
        _loaded.append(ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL))
    except OSError as error:
        raise TuiFtError(
            f"The simulation's library {library} cannot be loaded: {_line(str(error))}.",
            "Delete the file to have it compiled again; the closed form needs none of it.",
        ) from error


def has_cuda(torch: Path) -> bool:
    """Whether a torch at this folder was built with CUDA or ROCm."""
    return any((torch / "lib" / name).exists() for name in _ACCELERATED)


def default_folder() -> Path:
    """The folder that the environment names, else one of the user's cache (XDG)."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tui-ft"


def compiled(folder: Path, torch: Path) -> Path:
    """Return the library for this torch, source and machine, compiled if it is not in `folder` yet.

    Raises `TuiFtError` when it cannot be made.
    """
    if sys.platform != "linux":
        raise TuiFtError(
            "The exact simulation needs Linux, or a build of torch with CUDA.",
            "The closed form works everywhere: leave --exact out.",
        )
    library = folder / f"fake_cuda-{_key(torch)}.so"
    if not library.exists():
        _compile(library, torch)
    return library


def _torch_folder() -> Path:
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        raise TuiFtError(
            "The exact simulation needs torch, which this Python does not have.",
            "Install tui-ft with its dependencies, or set trainer_python in the settings.",
        )
    return Path(found.origin).parent


def _key(torch: Path) -> str:
    """Changes with whatever the library depends on: torch's version and build, the source, the machine."""
    version = (torch / "version.py").read_bytes()
    parts = (version, SOURCE.read_bytes(), platform.machine().encode(), " ".join(_FLAGS).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _compile(library: Path, torch: Path) -> None:
    command = [
        *(_compiler(), *_FLAGS, f"-I{torch / 'include'}", str(SOURCE)),
        *(f"-L{torch / 'lib'}", f"-Wl,-rpath,{torch / 'lib'}", "-lc10", "-ltorch_cpu"),
    ]
    try:
        library.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
            made = Path(scratch) / library.name
            _run([*command, "-o", str(made)])
            made.replace(library)  # whoever compiles at the same time finds a whole file or none
    except OSError as error:
        raise TuiFtError(
            f"The simulation's library cannot be written to {library.parent}: {error.strerror or error}.",
            f"Make room there, or name another folder in {FOLDER_VARIABLE}.",
        ) from error


def _compiler() -> str:
    """The compiler that the user names, else the first one found."""
    named = os.environ.get(COMPILER_VARIABLE)
    for name in (named,) if named else _COMPILERS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise TuiFtError(
        "The exact simulation compiles a small library once, and there is no C++ compiler on this machine"
        + (f" named {named}." if named else "."),
        "Install one (apt-get install g++), or leave --exact out: the closed form needs none.",
    )


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIME_LIMIT_S, errors="replace"
        )
    except subprocess.TimeoutExpired as error:
        raise TuiFtError(
            f"Compiling the simulation's library took more than {_TIME_LIMIT_S:.0f} seconds.",
            "The closed form needs none of it: leave --exact out.",
        ) from error
    if done.returncode != 0:
        said = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
        raise TuiFtError(
            f"The simulation's library cannot be compiled against this torch: {_line(said)}.",
            "It needs a compiler that knows C++20 and a torch with its headers; leave --exact out otherwise.",
        )


def _line(text: str, limit: int = 200) -> str:
    """Another program's words on one line, without what a terminal would obey."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return (line if len(line) <= limit else line[: limit - 1] + "…").rstrip(".")
