"""From where on something is not well, and when it is over: what decides it, as data, each with its source.

T1 to T21 are the tables of domain knowledge that the product is built on (domain, section e); a dagger there
marks a value that was chosen, not measured. "Chosen" here says why; the whole was calibrated on real runs,
see `tests/false_alarms.py`. All is changed by `[health]` in the user's settings under the names here. What
stands as a number beside a detector decides no alarm: how many numbers a mean takes, how much is remembered,
how often a thing is said again, what a fix offers.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

import msgspec

from tui_ft.errors import TuiFtError

_COUNTED = ("_rows", "_evaluations", "_window", "_steps", "_samples")


class Thresholds(msgspec.Struct, kw_only=True, frozen=True):
    """`_rows`, `_steps`, `_samples` are counts, `_s` seconds, `_share`, `_rise`, `_fall` fractions, `_ratio`
    factors, `_noise` standard deviations.
    """

    # nonfinite: T3. One is a warning, two in a row an error.
    nonfinite_rows: float = 2
    nonfinite_scaler_rows: float = 20
    """fp16: the scaler halves its factor from 2**16 at each overflow (torch.amp.GradScaler): sixteen in a row
    are its way down to 1, so many are no search any more. The trainer, which skips those steps, reads it here
    too, but no settings."""
    nonfinite_calm_rows: float = 20
    """So many finite rows in a row and it is over (chosen: as many as a scaler may search)."""

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
    divergence_minimum_rows: float = 2
    """Of a minimum: a third row may be part of a rise already, as where the learning rate is far too high."""
    divergence_least_loss: float = 1e-3
    """A lower minimum counts as this much: ratios to next to nothing say nothing (chosen)."""
    divergence_few_rows: float = 10
    """The noise of so few rows is known to within a factor of about two, and counts as that much more."""
    divergence_clear_ratio: float = 1.2
    """Over when the loss is within so much of its minimum (chosen: well below what is a rise)."""

    # grad_spikes: T4
    spike_ratio: float = 10
    spike_norm: float = 100
    spike_clips: float = 3
    """What is cut to `max_grad_norm` and was not even so many times as long does no harm (calibrated: a
    healthy demo run has 1.4 once, with 0.1 as its median and a clip of 1)."""
    spike_window: float = 50
    spike_count: float = 3
    spike_steps: float = 100
    spike_least_rows: float = 20
    """Chosen: the median of fewer norms is that of a warmup, not of the run."""
    spike_long_ratio: float = 3
    """A norm above `spike_norm` must still be this far from the usual one: some models have long ones
    (calibrated)."""

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
    learning_base_share: float = 0.02
    """Rows from later than this share of the steps are no beginning that a fall could be measured from
    (chosen: it is well within every warmup)."""
    learning_least_loss: float = 0.01
    """A gradient of zero at a lower loss is that of a perfect fit, no fault (chosen)."""
    learning_noise: float = 3
    """A loss has fallen when it has by so many standard deviations of its mean: one in 740 does by chance."""

    # plateau: chosen; a note only
    plateau_share: float = 0.25
    plateau_rows: float = 200
    plateau_fall: float = 0.005
    plateau_rate_share: float = 0.1
    """Below this share of its peak the learning rate is on its way out, and a flat loss is what it is for."""
    plateau_least_loss: float = 1e-3
    """There is nothing left to fall."""

    # overfitting: T1
    overfitting_rise: float = 0.02
    overfitting_evaluations: float = 2
    overfitting_noise: float = 2
    """The training loss falls when it has fallen by so many standard deviations of its mean (one in 44 by
    chance; the held-out loss has risen besides)."""
    overfitting_train_ratio: float = 1.5
    """What is learnt by heart has a training loss this near its lowest; one that comes down from a divergence
    has not (calibrated)."""

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
    starvation_clear_ratio: float = 0.5
    """Over below so much of `starvation_share` (chosen, as for all that clears: so that what is about at its
    limit does not come and go)."""

    # throttling: T12; a card that is clocked down loses 25 to 40 %
    throttle_share: float = 0.5
    throttle_s: float = 60
    throttle_slowdown: float = 0.1
    throttle_rows: float = 5
    """Chosen: the median of so many steps slowed down, and of so many not, tells by how much."""
    throttle_clear_share: float = 0.1

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
    hang_busy_ratio: float = 20
    """And only so many usual steps: four times `hang_ratio` (chosen)."""
    hang_least_samples: float = 3
    """Chosen: GPUs show 0 % between two kernels, too; one look is none."""
    hang_least_idle_s: float = 20
    """So long nothing works that is to be called idle, or half of `hang_s` (chosen: two samples more)."""
    hang_apart_s: float = 30
    """Between samples that are further apart nobody looked: the sampler writes one every 10 s at least."""
    hang_slept_s: float = 30
    """Who looks once a second and did not for so long was stopped himself, and saw no silence."""
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
    disk_clear_ratio: float = 1.25
    """Over with so much more room than it takes, for inodes alike (chosen: a checkpoint more or less)."""
    inodes_share: float = 0.95
    inodes_error_share: float = 0.99
    inodes: float = 1000
    """Fewer free ones than this where a file system does not say of how many: a checkpoint has a dozen."""
    inodes_error: float = 100

    # clock_jump: chosen; NTP slews smaller steps
    clock_s: float = 5
    clock_warning_s: float = 3600
    clock_clear_s: float = 3600
    """Steady for so long: what is shown of the last hour compares again."""

    # bad_resume: T19
    resume_rise: float = 0.1
    resume_error_rise: float = 0.5
    resume_rows: float = 5
    resume_noise: float = 3
    resume_before_rows: float = 20
    """So many losses before the resume are what it is held against, and so many after it say that it is over
    (chosen: batches differ)."""
    resume_clear_ratio: float = 0.5
    """Over when the rise is below so much of `resume_rise`."""

    # slow_saves: Young's interval for a save of a minute and a failure a day costs 4 % (2 · sqrt(δ / 2M))
    saves_share: float = 0.05
    saves_warning_share: float = 0.15
    saves_s: float = 60
    saves_count: float = 3
    """Chosen: the first saves of a process are slower than the others."""
    saves_window_s: float = 600
    """Then the count begins anew: what it costs now is said, not what it cost once (chosen)."""
    saves_wanted_share: float = 0.02
    """What the fix aims at (chosen: below the 5 % that are found)."""


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
