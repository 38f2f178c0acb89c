"""Are the GPUs there, whole, free, and able to do what runs ask of them?"""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

from tui_ft.doctor import people
from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, error, note, ok, warning
from tui_ft.doctor.words import gib, short
from tui_ft.errors import TuiFtError
from tui_ft.hardware.choose import allowed_gpus
from tui_ft.hardware.gpu import NO_DRIVER, Gpu

BF16_CAPABILITY = (8, 0)
"""Ampere: the first GPUs with bfloat16 and FlashAttention 2 (rule R13 of the facts)."""
_XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9a-fA-F:.]+)\): (\d+)")
FATAL_XIDS = {
    48: "an uncorrectable memory error",
    62: "its controller halted",
    64: "a broken memory row could not be replaced",
    74: "an NVLink failed",
    79: "it fell off the bus",
    95: "an uncontained memory error",
    119: "its controller does not answer",
    120: "its controller failed",
}
"""What the driver writes into the kernel's log when the card itself fails (NVIDIA, Xid catalogue)."""


def gpus(box: Box) -> list[Finding]:
    """Whether there are GPUs, and why not where one should be."""
    code, reading = "gpus", box.gpus
    if reading.problem is None and reading.gpus:
        names = ", ".join(f"{gpu.index} {short(gpu.name, 40)}" for gpu in reading.gpus[:4])
        more = f" and {len(reading.gpus) - 4} more" if len(reading.gpus) > 4 else ""
        return [ok(code, f"GPU {names}{more}; driver {short(reading.driver or '–', 20)}.")]
    problem = reading.problem or "The driver lists no GPU."
    if problem != NO_DRIVER:
        fix = "Restart the machine or the container; a card that stays away belongs to the provider."
        return [error(code, problem, fix)]
    if _nvidia_cards(box):
        what = f"An NVIDIA card is on the bus ({_nvidia_cards(box)}), but no driver is installed."
        fix = "Install NVIDIA's driver and restart: on Ubuntu `sudo ubuntu-drivers install --gpgpu`."
        return [error(code, what, fix)]
    if box.exists("/proc/driver/nvidia/version") or box.exists("/dev/nvidiactl"):
        what = "The box has an NVIDIA driver, but its library (libnvidia-ml.so.1) is not found here."
        return [error(code, what, "Start the container with --gpus all, or mend LD_LIBRARY_PATH.")]
    return [note(code, "There is no NVIDIA GPU here: runs train on the CPU, which is for small models only.")]


def _nvidia_cards(box: Box) -> str:
    """The address of the first NVIDIA display or 3D controller."""
    try:
        devices = sorted(box.at("/sys/bus/pci/devices").iterdir())
    except OSError:
        return ""
    for device in devices:
        where = Path("/sys/bus/pci/devices") / device.name
        vendor, kind = box.text(where / "vendor"), box.text(where / "class")
        if (vendor or "").strip() == "0x10de" and (kind or "").startswith("0x03"):
            return device.name
    return ""


def gpu_rights(box: Box) -> list[Finding]:
    """A device file that may not be opened looks like no GPU to torch."""
    names = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm")
    closed = [name for name in names if box.exists(name) and not box.may_use(Path(name))]
    if not closed:
        return []
    what = f"{closed[0]} may not be used by you: torch finds no GPU."
    if box.is_container:
        return [
            error("gpu_rights", what, "Start the container with --gpus all, and as a user who may use them.")
        ]
    group = people.device_group(box.at(closed[0]))
    if group:
        what += f" Its group {short(group, 40)} may, from your next login on."
        return [error("gpu_rights", what, command=f'sudo usermod -aG {quote(group)} "$USER"')]
    fix = (
        "A udev rule must open /dev/nvidia* to users (mode 0666, as the driver's own package does), "
        "or to a group."
    )
    return [error("gpu_rights", what, fix)]


def visible_devices(box: Box) -> list[Finding]:
    visible, code = box.environment.get("CUDA_VISIBLE_DEVICES"), "visible_devices"
    if visible is None or not box.gpus.gpus:
        return []
    try:
        allowed = allowed_gpus(box.gpus, visible, box.environment.get("CUDA_DEVICE_ORDER"))
    except TuiFtError as problem:
        return [warning(code, problem.message, problem.hint)]
    value = short(visible, 60) or "empty"
    if not allowed:
        what = f"CUDA_VISIBLE_DEVICES is {value}, which names no GPU that is here: runs find none."
        return [error(code, what, command="unset CUDA_VISIBLE_DEVICES")]
    if len(allowed) < len(box.gpus.gpus):
        what = f"CUDA_VISIBLE_DEVICES leaves {len(allowed)} of {len(box.gpus.gpus)} GPUs to runs."
        return [note(code, what, command="unset CUDA_VISIBLE_DEVICES")]
    return [ok(code, f"CUDA_VISIBLE_DEVICES is {value}.")]


def bfloat16(box: Box) -> list[Finding]:
    """Older GPUs compute in float16, whose range NaN comes from, and have no FlashAttention 2."""
    known = [gpu for gpu in box.gpus.gpus if gpu.compute_capability is not None]
    old = [gpu for gpu in known if (gpu.compute_capability or BF16_CAPABILITY) < BF16_CAPABILITY]
    if not known:
        return []
    if not old:
        return [ok("bfloat16", "Every GPU computes in bfloat16.")]
    one = old[0]
    what = (
        f"GPU {one.index} ({short(one.name, 40)}, compute capability {_capability(one)}) has no bfloat16 and "
        "no FlashAttention 2: runs compute in float16, which overflows more easily."
    )
    return [
        warning("bfloat16", what, "Leave precision and attention at auto; watch the first steps for NaN.")
    ]


def _capability(gpu: Gpu) -> str:
    return ".".join(map(str, gpu.compute_capability or ()))


def throttling(box: Box) -> list[Finding]:
    slowed = [gpu for gpu in box.gpus.gpus if gpu.throttle]
    found = []
    for gpu in slowed:
        heat = f", {gpu.temperature_c:.0f} °C" if gpu.temperature_c is not None else ""
        power = f", {gpu.power_w:.0f} W" if gpu.power_w is not None else ""
        what = f"GPU {gpu.index} is slowed down: {gpu.throttle}{heat}{power}."
        if gpu.throttle == "power limit":  # what a busy card does for hours, and no fault
            found.append(note("throttling", what))
        else:
            fix = "Ask the provider for another machine: such a card is 25–40 % slower."
            found.append(warning("throttling", what, fix))
    return found


def memory_faults(box: Box) -> list[Finding]:
    """What the card's own counters say (ECC)."""
    found = []
    for gpu in box.gpu_facts.gpus:
        if gpu.has_remap_failed:
            what = f"GPU {gpu.index} has broken memory that could not be replaced."
            found.append(error("memory_faults", what, "Rent another machine: this card ends runs."))
        elif gpu.is_remap_pending:
            what = f"GPU {gpu.index} has found broken memory and replaces it at the next reset."
            found.append(warning("memory_faults", what, "Restart the machine before a long run."))
        elif gpu.uncorrected_errors:
            what = (
                f"GPU {gpu.index} had {gpu.uncorrected_errors} uncorrectable memory errors since its start."
            )
            found.append(warning("memory_faults", what, "Restart the machine; if they come again, leave it."))
    return found


def compute_mode(box: Box) -> list[Finding]:
    found = []
    for gpu in box.gpu_facts.gpus:
        command = f"sudo nvidia-smi -i {gpu.index} -c DEFAULT"
        if gpu.compute_mode == "prohibited":
            found.append(error("compute_mode", f"GPU {gpu.index} forbids computing.", command=command))
        elif gpu.compute_mode in ("exclusive process", "exclusive thread"):
            what = f"GPU {gpu.index} takes one process at a time ({gpu.compute_mode}): a second run fails."
            found.append(note("compute_mode", what, command=command))
    return found


def kernel_messages(box: Box) -> list[Finding]:
    """The driver's own reports of failing cards; most users may not read them, and then there are none."""
    text = box.newest("/dev/kmsg")
    counts: dict[tuple[str, int], int] = {}
    for match in _XID.finditer(text):
        key = (match[1], int(match[2]))
        counts[key] = counts.get(key, 0) + 1
    found = []
    for (card, number), count in counts.items():
        if number in FATAL_XIDS:
            what = f"The driver reported Xid {number} for the card {card} ({count}×): {FATAL_XIDS[number]}."
            found.append(error("kernel_messages", what, "Restart the machine; if it comes again, leave it."))
    others = sum(count for (_, number), count in counts.items() if number not in FATAL_XIDS)
    if others and not found:
        what = f"The driver reported {others} errors of programs on a GPU (Xid) since the start."
        found.append(note("kernel_messages", what, command="sudo dmesg | grep Xid"))
    return found


def gpu_memory(box: Box) -> list[Finding]:
    """How much of each card is free, for those that nobody but us uses."""
    free = [gpu for gpu in box.gpus.gpus if gpu.free_bytes is not None and gpu.total_bytes]
    if not free:
        return []
    parts = [f"GPU {gpu.index}: {gib(gpu.free_bytes)} of {gib(gpu.total_bytes)}" for gpu in free[:8]]
    return [ok("gpu_memory", f"Free GPU memory: {'; '.join(parts)}.")]
