"""From where on something is not well: all limits of all detectors as data, each with its source.

`facts` are the tables of domain knowledge that the product is built on (domain, section e, T1 to T21); a
dagger there marks a value that was chosen, not measured. Those were calibrated on real runs, see
`tests/false_alarms.py`, and are changed by `[health]` in the user's settings under the names here.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

import msgspec

from tui_ft.errors import TuiFtError

_COUNTED = ("_rows", "_evaluations", "_window", "_steps")


class Thresholds(msgspec.Struct, kw_only=True, frozen=True):
    """`_rows`, `_steps` are counts, `_s` seconds, `_share`, `_rise`, `_fall` fractions, `_ratio` factors."""

    # nonfinite: T3. One is a warning, two in a row an error.
    nonfinite_rows: float = 2
    nonfinite_scaler_rows: float = 20
    """fp16: the scaler halves its factor from 2**16 at each overflow (torch.amp.GradScaler): sixteen in a row
    are its way down to 1, so many are no search any more. The trainer, which skips those steps, reads it here
    too, but no settings."""

    # divergence: T2, smoothed over as many rows as the rise has to last
    divergence_ratio: float = 1.5
    divergence_rows: float = 20
    divergence_error_ratio: float = 2.0
    divergence_least_rise: float = 0.3
    """In nats: a loss of 0.02 that becomes 0.04 has not diverged (calibrated on the demo run)."""
    divergence_noise: float = 3.0
    """The rise must exceed so many standard deviations of the loss between rows."""
    divergence_loss: float = 5.0
    divergence_loss_rows: float = 3
    """T2: Axolotl's loss_watchdog form, loss above 5 three times."""

    # grad_spikes: T4
    spike_ratio: float = 10
    spike_norm: float = 100
    spike_clips: float = 3
    """What is cut to `max_grad_norm` and was not even so many times as long does no harm (calibrated: a
    healthy demo run has 1.4 once, with 0.1 as its median and a clip of 1)."""
    spike_window: float = 50
    spike_count: float = 3
    spike_steps: float = 100

    # not_learning: T5
    learning_share: float = 0.1
    learning_fall: float = 0.01
    learning_clear_fall: float = 0.03
    """T5: a fall of 0.03 may be the noise of batches."""
    learning_rows: float = 30
    learning_flat_rows: float = 10
    learning_done_fall: float = 0.1
    """A loss that has fallen by so much has been learning: then a short gradient is that of a good fit."""
    learning_norm: float = 0.01
    learning_zero_rows: float = 20
    """So many it takes to tell a loss that stands still from one that falls."""

    # plateau: chosen; a note only
    plateau_share: float = 0.25
    plateau_rows: float = 200
    plateau_fall: float = 0.005

    # overfitting: T1
    overfitting_rise: float = 0.02
    overfitting_evaluations: float = 2

    # forgetting: T11
    forgetting_rise: float = 0.05
    forgetting_evaluations: float = 2

    # host_memory: chosen, from where the kernel begins to reclaim in earnest
    host_memory_share: float = 0.92
    host_memory_error_share: float = 0.97
    host_memory_s: float = 20

    # data_starvation: T12
    starvation_share: float = 0.3
    starvation_rows: float = 20
    starvation_s: float = 10
    starvation_utilization: float = 80

    # throttling: T12; a card that is clocked down loses 25 to 40 %
    throttle_share: float = 0.5
    throttle_s: float = 60
    throttle_slowdown: float = 0.1

    # hang: T17
    hang_s: float = 120
    hang_ratio: float = 5
    hang_utilization: float = 5
    hang_cores: float = 0.05
    """Processor time of the trainer and its children, in cores: a Python that waits uses less."""
    hang_idle_s: float = 600
    """T17: from a GPU, and a trainer, that were idle for so long nothing is to be expected."""
    hang_stopped_s: float = 30
    """A trainer that a signal stopped (SIGSTOP) does not come back by itself: no need to wait as long."""
    hang_busy_s: float = 1800
    """With a GPU that looks busy (collectives spin while they wait) only this long a silence is one."""
    hang_grace_s: float = 60
    """What has not moved so long after it was asked to stop is ended: in a call of CUDA or NCCL no handler of
    a signal runs (chosen: where one does, it interrupts the step at once)."""

    # leaked_gpu_memory: T9
    leaked_gib: float = 1
    leaked_free_share: float = 0.2

    # disk and inodes: T16
    disk_checkpoints: float = 2
    disk_gib: float = 2
    """While no checkpoint has been written, so that their size is not known."""
    inodes_share: float = 0.95
    inodes_error_share: float = 0.99
    inodes: float = 1000
    """Fewer free ones than this where a file system does not say of how many."""

    # clock_jump: chosen; NTP slews smaller steps
    clock_s: float = 5
    clock_warning_s: float = 3600

    # bad_resume: T19
    resume_rise: float = 0.1
    resume_error_rise: float = 0.5
    resume_rows: float = 5
    resume_noise: float = 3

    # slow_saves: Young's interval for a save of a minute and a failure a day costs 4 % (2 · sqrt(δ / 2M))
    saves_share: float = 0.05
    saves_warning_share: float = 0.15
    saves_s: float = 60


def with_changes(changes: Mapping[str, float]) -> Thresholds:
    """Return the thresholds with some of them set by the user.

    Raises `TuiFtError` for a name that is none, and for a value that is negative or no number.
    """
    known = Thresholds.__struct_fields__
    for name, value in changes.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "The README's table has their names."
            raise TuiFtError(f"[health] of the settings: {name!r} is no threshold.", hint)
        least = 1 if name.endswith(_COUNTED) else 0
        is_whole = not name.endswith(_COUNTED) or value == int(value) if math.isfinite(value) else False
        if not is_whole or value < least:
            kind = "a whole number, " if name.endswith(_COUNTED) else ""
            raise TuiFtError(
                f"[health] of the settings: {name} = {value} will not do.", f"Write {kind}{least} or more."
            )
    return msgspec.structs.replace(Thresholds(), **{name: float(value) for name, value in changes.items()})
