"""Every check the doctor makes: what it is about, the function, and what it has to wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from tui_ft.doctor.box import Box
from tui_ft.doctor.checks import clock, disks, gpu, gpu_users, hub, memory, places, session, software, torch
from tui_ft.doctor.finding import Finding

Theme = Literal["places", "disks", "hub", "software", "GPU", "torch", "memory", "session", "clock"]
Needs = Literal["files", "gpu", "trainer"]
"""`files`: a millisecond; `gpu`: asks NVML; `trainer`: asks the interpreter that trains, for seconds."""


class Check(NamedTuple):
    """One check. `is_of_home`: quick, and worth a line on the home screen."""

    theme: Theme
    look: Callable[[Box], list[Finding]]
    needs: Needs = "files"
    is_of_home: bool = False

    @property
    def name(self) -> str:
        return self.look.__name__


CHECKS: tuple[Check, ...] = (
    Check("software", software.settings_file, is_of_home=True),
    Check("places", places.runs_root_is_writable, is_of_home=True),
    Check("places", places.runs_root_lasts, is_of_home=True),
    Check("places", places.cache_place, is_of_home=True),
    Check("places", places.data_lasts),
    Check("places", places.temporary_folder),
    Check("disks", disks.runs_disk, is_of_home=True),
    Check("disks", disks.cache_disk, is_of_home=True),
    Check("disks", disks.inodes, is_of_home=True),
    Check("hub", hub.hub_token),
    Check("hub", hub.token_is_private, is_of_home=True),
    Check("hub", hub.session_environment),
    Check("hub", hub.offline),
    Check("GPU", gpu.gpus, "gpu"),
    Check("GPU", gpu.gpu_rights),
    Check("GPU", gpu.visible_devices, "gpu"),
    Check("GPU", gpu.gpu_memory, "gpu"),
    Check("GPU", gpu_users.gpu_users, "gpu"),
    Check("GPU", gpu.bfloat16, "gpu"),
    Check("GPU", gpu.throttling, "gpu"),
    Check("GPU", gpu.memory_faults, "gpu"),
    Check("GPU", gpu.compute_mode, "gpu"),
    Check("GPU", gpu.kernel_messages),
    Check("software", software.compiler, "gpu"),
    Check("software", software.trainer_answers, "trainer"),
    Check("software", software.trainer_python, "trainer"),
    Check("software", software.libraries, "trainer"),
    Check("software", software.python_headers, "trainer"),
    Check("software", software.nvml_package, "trainer"),
    Check("torch", torch.torch_imports, "trainer"),
    Check("torch", torch.torch_and_driver, "trainer"),
    Check("torch", torch.architectures, "trainer"),
    Check("torch", torch.flash_attention, "trainer"),
    Check("torch", torch.quantizer, "trainer"),
    Check("torch", torch.library_path, "gpu"),
    Check("memory", memory.memory_limit, is_of_home=True),
    Check("memory", memory.memory_kills),
    Check("memory", memory.processors),
    Check("memory", memory.shared_memory),
    Check("memory", memory.swap),
    Check("memory", memory.limits),
    Check("memory", memory.locked_memory, "gpu"),
    Check("session", session.encoding),
    Check("session", session.terminal),
    Check("session", session.truecolor),
    Check("session", session.terminal_size),
    Check("session", session.logout, is_of_home=True),
    Check("software", software.own_folders),
    Check("clock", clock.clock, is_of_home=True),
)
