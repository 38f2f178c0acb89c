"""What settings.toml may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(kw_only=True, frozen=True)
class Target:
    """`[notify.NAME]`: somewhere to tell people. What it holds is secret: it is never printed.

    webhook: `url`, which gets a JSON document. ntfy: `topic`, with `url` where it is not ntfy.sh and `token`
    where that asks for one. command: `command`, which gets the text on its standard input. bell: the app's
    own terminal. A value that is `$NAME` stands in the environment.
    """

    kind: Literal["webhook", "ntfy", "command", "bell"]
    url: str | None = field(default=None, repr=False)
    topic: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    command: str | None = field(default=None, repr=False)


@dataclass(kw_only=True, frozen=True)
class Hook:
    """`[hooks.NAME]`, or `NAME = "command"` under `[hooks]`: words as in a shell, but no shell runs them.

    It waits until no run of ours goes on or waits on this machine, for it may stop the machine; one that is
    `at_once` does not. Without a verified copy it does not run, unless `needs_copy` is false; one that is
    `at_once` needs none where that is not said.
    """

    command: str = field(repr=False)
    at_once: bool = False
    needs_copy: bool | None = None

    @property
    def must_have_copy(self) -> bool:
        """True when it may take away what was not copied."""
        return not self.at_once if self.needs_copy is None else self.needs_copy


@dataclass(kw_only=True, frozen=True)
class Settings:
    """`<config folder>/settings.toml`; every key may be missing.

    `price_per_hour` is what one GPU costs an hour, in `currency`; `price_per_gpu` the same by a part of the
    GPU's name, which goes before. `idle_minutes`: how long the machine may stand idle before that is worth a
    word. `health` are thresholds of the detectors. Addresses and commands: `private`.
    """

    runs_root: str | None = None
    trainer_python: str | None = None
    price_per_hour: float | None = None
    price_per_gpu: dict[str, float] = field(default_factory=dict)
    currency: str = "$"
    idle_minutes: float = 15.0
    health: dict[str, float] = field(default_factory=dict)
    notify: dict[str, Target] = field(default_factory=dict, repr=False)
    hooks: dict[str, Hook] = field(default_factory=dict, repr=False)

    def price_of(self, gpu: str | None) -> float | None:
        """What an hour of a GPU of that name costs; the longest name that fits counts."""
        fitting = [name for name in self.price_per_gpu if gpu and name.casefold() in gpu.casefold()]
        return self.price_per_gpu[max(fitting, key=len)] if fitting else self.price_per_hour
