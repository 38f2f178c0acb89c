"""Cases with real commands: `tui-ft start` and `resume`, interpreters of their own, the imports and all."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from faults.oracle import Untrue
from faults.playing import Play
from faults.world import World, spec

from tui_ft.errors import TuiFtError
from tui_ft.hardware import processes
from tui_ft.runs.state import read_state
from tui_ft.spec import toml

IMPORTS_S = 9.0
"""How long the libraries take to be imported on an idle core of the machine this was made on."""


class ColdWorld(World):
    """Its processes are what state.json and /proc say; its commands are `tui-ft`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._seen: list[tuple[str, int, int, int]] = []
        self._command: subprocess.Popen[bytes] | None = None

    def noted(self) -> list[tuple[str, int, int, int]]:
        run = self.run
        if run is None:
            return []
        found: list[tuple[str, int, int, int]] = []
        with contextlib.suppress(TuiFtError):
            state = read_state(run)
            found = [(p.role, p.pid, p.start_time, state.attempt) for p in state.processes]
            for attempt in (state.attempt, state.attempt + 1):
                for pid in processes.find_by_arguments(["run", str(run.path), "--attempt", str(attempt)]):
                    found.append(("trainer", pid, processes.start_time(pid) or 0, attempt))
        self._seen += [one for one in found if one not in self._seen]
        return self._seen

    def begin(self, do: Callable[[], Any], name: str) -> None:
        """`do` is what a forked case would call; here the command of that name is run."""
        file = self.folder / "spec.toml"
        file.write_text(toml.dumps(spec()))
        run = self.run
        words = {
            "start": ["start", str(file), "--no-ui", "--json"],
            "resume": ["resume", str(run and run.path)],
        }
        arguments = words.get(name, ["ls"])  # any command adopts what is an orphan
        self.say(" ".join(["tui-ft", *arguments[:1]]))
        self.died = None
        environment = {**os.environ, "TUI_FT_RUNS": str(self.root)}
        with open(self.folder / "commands.log", "ab") as log:
            self._command = subprocess.Popen(
                [sys.executable, "-m", "tui_ft", *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, env=environment,
            )  # fmt: skip
        self.launcher = self._command.pid
        self._command.returncode = 0  # World waits for it


def play_cold(play: Play) -> None:
    play.world = ColdWorld(play.world.folder, play.world.story)
    fault = play.case.faults[0]
    world = play.world
    world.start()
    if not world.wait(lambda: world.run is not None and world.pid("supervisor") is not None, 120.0):
        raise Untrue("two minutes after start there is no supervisor")
    if fault.phase == "interpreter":
        world.wait(lambda: world.pid("trainer") is not None, 120.0)
        time.sleep(fault.share * 0.6)
        play.hit = play.strike(fault, reached=True)
    elif fault.phase == "loading libraries":
        world.wait(lambda: world.events(1), 120.0)
        time.sleep(fault.share * IMPORTS_S)
        play.hit = play.strike(fault, reached=True)
    elif fault.phase == "any":
        time.sleep(fault.share * (IMPORTS_S + play.reference.life_s))
        play.hit = play.strike(fault, reached=True)
    else:
        world.wait(
            lambda: any(
                row["event"] == "phase" and row["phase"] == "preparing data" for row in world.events(1)
            ),
            90.0,
        )
        play.hit = play.strike(fault)
    play.to_the_end()
