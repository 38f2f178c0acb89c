"""The words by which findings are named: a spec silences them and stops on them."""

from __future__ import annotations

from typing import Literal

Code = Literal[
    "nonfinite", "divergence", "grad_spikes", "not_learning", "plateau", "overfitting", "forgetting",
    "cuda_oom", "eval_oom", "host_oom", "host_memory", "data_starvation", "throttling", "hang",
    "leaked_gpu_memory", "disk", "inodes", "clock_jump", "bad_resume", "slow_saves", "budget",
    "idle", "ended", "copy",
]  # fmt: skip
"""The stable words by which findings are silenced, counted and looked up."""
