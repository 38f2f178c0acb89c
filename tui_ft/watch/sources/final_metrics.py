"""The last row of the HF Trainer, that is no row: averages of the whole run under names of series."""

from __future__ import annotations

import msgspec

from tui_ft.watch.sources.pace import newest

FINISH_KEY = "train_runtime"
FINAL_KEYS = frozenset(
    {FINISH_KEY, "train_samples_per_second", "train_steps_per_second", "total_flos", "train_loss",
     "train_tokens_per_second"}
)  # fmt: skip
"""What `Trainer.train` logs once, when it returns (transformers trainer_utils.speed_metrics)."""


def plain(name: str) -> str:
    """A metric's name without the prefix that reporters give it."""
    return name.removeprefix("train/")


class FinalState(msgspec.Struct, frozen=True):
    """What FinalMetrics knows: steps at which training ended, and points whose meaning is open."""

    finish_steps: list[int] = []
    finished_at: float | None = None
    kept: dict[str, list[tuple[int, float, float | None]]] = {}
    given_out: list[str] = []


class FinalMetrics:
    """Sets final metrics apart where each one comes by itself: event files, MLflow.

    `train_loss` is also what others call their loss: it is kept back, and given out as a series as soon
    as two of its steps are no end of a training.
    """

    def __init__(self, state: FinalState | None = None) -> None:
        """`state` is what another one of these told of itself."""
        state = state if state is not None else FinalState()
        self.finish_steps = set(state.finish_steps)
        self.finished_at = state.finished_at
        self._kept = {name: list(points) for name, points in state.kept.items()}
        self._given_out = set(state.given_out)

    @property
    def state(self) -> FinalState:
        """All that is known here, to be kept for later."""
        return FinalState(list(self.finish_steps), self.finished_at, self._kept, list(self._given_out))

    def takes(self, name: str) -> bool:
        """True for a metric that is not to be added as a series (yet)."""
        return plain(name) in FINAL_KEYS and name not in self._given_out

    def add(self, name: str, steps: list[int], values: list[float], times: list[float] | None) -> None:
        """Take the points of a metric that is taken."""
        whens = times if times is not None else [None] * len(steps)
        if plain(name) == FINISH_KEY:
            self.finish_steps.update(steps)
            self.finished_at = newest([when for when in whens if when is not None], self.finished_at)
        elif plain(name) == "train_loss":
            self._kept.setdefault(name, []).extend(zip(steps, values, whens, strict=True))

    def given_out(self) -> list[tuple[str, list[int], list[float], list[float] | None]]:
        """The series that turned out to be some, with their points so far."""
        out = []
        for name, points in list(self._kept.items()):
            own = [point for point in points if point[0] not in self.finish_steps]
            if len({step for step, _, _ in own}) >= 2:
                times = [when for _, _, when in own if when is not None]
                out.append(
                    (
                        name,
                        [p[0] for p in own],
                        [p[1] for p in own],
                        times if len(times) == len(own) else None,
                    )
                )
                self._given_out.add(name)
                del self._kept[name]
        return out

    def mark(self, last_training_step: int | None) -> bool:
        """True when training ended, and no training row followed."""
        return bool(self.finish_steps) and (last_training_step or 0) <= max(self.finish_steps)
