"""The checks that are quick, and worth a line on the home screen; the modules of the others stay unloaded."""

from __future__ import annotations

from tui_ft.doctor.check import Check
from tui_ft.doctor.checks import clock, disks, hub, memory, own_files, places, session

HOME_CHECKS: tuple[Check, ...] = (
    Check("software", own_files.settings_file),
    Check("places", places.mounts_answer),
    Check("places", places.runs_root_is_writable),
    Check("places", places.runs_root_lasts),
    Check("places", places.cache_place),
    Check("disks", disks.runs_disk),
    Check("disks", disks.cache_disk),
    Check("disks", disks.inodes),
    Check("hub", hub.token_is_private),
    Check("memory", memory.memory_limit),
    Check("session", session.logout),
    Check("clock", clock.clock),
)
"""All are checks of the registry, too."""
