"""GPUs: there, whole, free, and of a kind that torch serves."""

from __future__ import annotations

import dataclasses
import errno
import grp
import os
from pathlib import Path
from typing import Any

import pytest
from doctor_world import GIB, GOOD_TRAINER, a_box, only, write

from tui_ft.doctor import people
from tui_ft.doctor.box import Box
from tui_ft.doctor.checks import gpu, gpu_users, torch
from tui_ft.doctor.gpu_facts import GpuFacts, GpuFault, read_gpu_facts
from tui_ft.doctor.trainer_report import TorchFacts, TrainerReport
from tui_ft.hardware import host, processes
from tui_ft.hardware.gpu import Gpu, GpuProcess, GpuReading
from tui_ft.runs.directory import RunDirectory, create
from tui_ft.runs.records import ProcessRecord, StateRecord, encode_document

H100 = Gpu(
    index=0, uuid="GPU-a", name="NVIDIA H100", total_bytes=80 * GIB, free_bytes=80 * GIB, used_bytes=0,
    compute_capability=(9, 0), temperature_c=40.0, power_w=70.0,
)  # fmt: skip


def reading(*changes: dict[str, Any]) -> GpuReading:
    gpus = [dataclasses.replace(H100, index=at, uuid=f"GPU-{at}", **one) for at, one in enumerate(changes)]
    return GpuReading(tuple(gpus), None, "550.90.07")


def trainer(**torch_changes: Any) -> TrainerReport:
    facts = TorchFacts(
        **{name: getattr(GOOD_TRAINER.torch, name) for name in TorchFacts.__struct_fields__} | torch_changes
    )
    return TrainerReport(
        **{name: getattr(GOOD_TRAINER, name) for name in TrainerReport.__struct_fields__} | {"torch": facts}
    )


# --- is it there -------------------------------------------------------------------------------------


def test_no_gpu_a_card_without_a_driver_and_a_driver_without_its_library(tmp_path: Path) -> None:
    assert only(gpu.gpus(a_box(tmp_path / "none"))).level == "note"
    card = "/sys/bus/pci/devices/0000:3b:00.0"
    bare = a_box(tmp_path / "card", files={f"{card}/vendor": "0x10de\n", f"{card}/class": "0x030200\n"})
    found = only(gpu.gpus(bare))
    assert found.level == "error" and "0000:3b:00.0" in found.what and "driver" in found.fix
    audio = a_box(tmp_path / "audio", files={f"{card}/vendor": "0x10de\n", f"{card}/class": "0x040300\n"})
    assert only(gpu.gpus(audio)).level == "note"
    inside = a_box(tmp_path / "inside", files={"/proc/driver/nvidia/version": "NVRM 550"})
    assert "library" in only(gpu.gpus(inside)).what and only(gpu.gpus(inside)).level == "error"


def test_a_driver_that_does_not_answer_and_gpus_that_do(tmp_path: Path) -> None:
    broken = a_box(tmp_path, gpus=GpuReading((), "The NVIDIA driver and its library differ in version."))
    assert only(gpu.gpus(broken)).level == "error"
    assert (
        "0 NVIDIA H100, 1 NVIDIA H100; driver 550.90.07"
        in only(gpu.gpus(a_box(tmp_path, gpus=reading({}, {})))).what
    )


def test_a_device_that_may_not_be_opened(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may open every device")
    write(tmp_path, {"/dev/nvidiactl": "", "/dev/nvidia0": ""})
    (tmp_path / "dev/nvidia0").chmod(0)
    found = only(gpu.gpu_rights(a_box(tmp_path)))
    assert found.level == "error" and "/dev/nvidia0" in found.what


@pytest.mark.parametrize(
    ("group", "files", "fix"),
    [
        ("video", {}, 'sudo usermod -aG video "$USER"'),
        ("", {}, "udev"),
        ("video", {"/.dockerenv": ""}, "--gpus all"),
    ],
)
def test_who_may_use_a_device_is_put_into_its_group_but_never_into_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, files: dict[str, str], fix: str
) -> None:
    monkeypatch.setattr(Box, "may_use", lambda box, path: False)
    monkeypatch.setattr(people, "device_group", lambda path: group)
    found = only(gpu.gpu_rights(a_box(tmp_path, files={"/dev/nvidiactl": "", **files})))
    assert found.level == "error" and fix in found.fix
    assert found.is_command is (fix.startswith("sudo"))
    assert ("next login" in found.what) is found.is_command


def test_the_group_of_a_device(tmp_path: Path) -> None:
    device = tmp_path / "nvidiactl"
    device.write_text("")
    device.chmod(0o660)
    assert people.device_group(tmp_path / "gone") == ""
    if os.geteuid() != 0:
        pytest.skip("only root gives files to groups")
    assert people.device_group(device) == ""
    other = next(one for one in grp.getgrall() if one.gr_gid)
    os.chown(device, 0, other.gr_gid)
    assert people.device_group(device) == other.gr_name
    device.chmod(0o600)
    assert people.device_group(device) == "", "the group may not use it either"


def test_what_cuda_visible_devices_leaves(tmp_path: Path) -> None:
    def of(value: str) -> str:
        box = a_box(tmp_path, gpus=reading({}, {}), environment={"CUDA_VISIBLE_DEVICES": value})
        return only(gpu.visible_devices(box)).level

    assert [of("0,1"), of("1"), of(""), of("7")] == ["ok", "note", "error", "error"]
    assert gpu.visible_devices(a_box(tmp_path, gpus=reading({}))) == []


# --- is it sound ------------------------------------------------------------------------------------


def test_old_hot_and_slowed_cards(tmp_path: Path) -> None:
    t4 = {"name": "Tesla T4", "compute_capability": (7, 5)}
    found = only(gpu.bfloat16(a_box(tmp_path, gpus=reading(t4))))
    assert found.level == "warning" and "7.5" in found.what and "float16" in found.what
    assert only(gpu.bfloat16(a_box(tmp_path, gpus=reading({})))).level == "ok"
    hot = a_box(
        tmp_path, gpus=reading({"throttle": "too hot", "temperature_c": 91.0}, {"throttle": "power limit"})
    )
    assert [one.level for one in gpu.throttling(hot)] == ["warning", "note"]
    assert "91 °C" in gpu.throttling(hot)[0].what


def test_faults_that_the_card_counts(tmp_path: Path) -> None:
    facts = GpuFacts(
        gpus=(
            GpuFault(index=0, has_remap_failed=True),
            GpuFault(index=1, is_remap_pending=True),
            GpuFault(index=2, uncorrected_errors=3, compute_mode="prohibited"),
            GpuFault(index=3, uncorrected_errors=0, compute_mode="exclusive process"),
        )
    )
    box = a_box(tmp_path, facts=facts)
    assert [one.level for one in gpu.memory_faults(box)] == ["error", "warning", "warning"]
    assert [one.level for one in gpu.compute_mode(box)] == ["error", "note"]


def test_what_the_driver_wrote_into_the_kernels_log(tmp_path: Path) -> None:
    log = (
        "4,1,1,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, GPU has fallen off the bus.\n"
        "4,2,2,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, GPU has fallen off the bus.\n"
        "4,3,3,-;NVRM: Xid (PCI:0000:af:00): 31, pid=99, name=python, MMU Fault\n"
    )
    found = only(gpu.kernel_messages(a_box(tmp_path, files={"/dev/kmsg": log})))
    assert found.level == "error" and "Xid 79" in found.what and "(2×)" in found.what
    mild = a_box(tmp_path, files={"/dev/kmsg": log.splitlines()[2]})
    assert only(gpu.kernel_messages(mild)).level == "note"
    assert gpu.kernel_messages(a_box(tmp_path / "silent")) == []


def test_the_newest_part_of_a_large_kernel_log_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel gives one record a read, none to who has less room than it takes, and loses the oldest."""
    filler = b"6,1,1,-;" + b"x" * 3000 + b"\n"
    old, new = (b"4,2,2,-;NVRM: Xid (PCI:0000:3b:00): %d, pid=1\n" % number for number in (48, 79))
    records: list[bytes | OSError] = [old, BrokenPipeError(), *[filler] * 500, new]
    log = a_box(tmp_path, files={"/dev/kmsg": ""})
    read = os.read

    def one_record(descriptor: int, size: int) -> bytes:
        if not str(Path(f"/proc/self/fd/{descriptor}").readlink()).endswith("/dev/kmsg"):
            return read(descriptor, size)
        if not records:
            raise BlockingIOError
        if isinstance(records[0], OSError):
            raise records.pop(0)  # type: ignore[misc]
        if size < len(records[0]):
            raise OSError(errno.EINVAL, "Invalid argument")
        return records.pop(0)  # type: ignore[return-value]

    monkeypatch.setattr(os, "read", one_record)
    assert "Xid 79" in only(gpu.kernel_messages(log)).what
    records[:] = [new, OSError(errno.EIO, "Input/output error")]
    assert "Xid 79" in only(gpu.kernel_messages(log)).what, "what was read before is kept"


class Nvml:
    """Only what the doctor asks for beyond a reading; device 1 knows none of it."""

    class NVMLError(Exception):
        pass

    def nvmlInit(self) -> None:  # noqa: N802
        pass

    nvmlShutdown = nvmlInit  # noqa: N815

    def nvmlSystemGetCudaDriverVersion(self) -> int:  # noqa: N802
        return 12040

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetRemappedRows(self, handle: int) -> tuple[int, int, int, int]:  # noqa: N802
        if handle:
            raise self.NVMLError
        return (1, 2, 1, 0)

    def nvmlDeviceGetTotalEccErrors(self, handle: int, kind: int, counter: int) -> int:  # noqa: N802
        if handle:
            raise self.NVMLError
        return 4

    def nvmlDeviceGetComputeMode(self, handle: int) -> int:  # noqa: N802
        return 3


def test_nvml_is_asked_query_by_query() -> None:
    facts = read_gpu_facts(Nvml())
    assert facts.cuda == (12, 4)
    assert facts.gpus == (
        GpuFault(
            index=0, uncorrected_errors=4, remapped=2, is_remap_pending=True, compute_mode="exclusive process"
        ),
        GpuFault(index=1, compute_mode="exclusive process"),
    )


# --- who holds its memory --------------------------------------------------------------------------


def used(*held: GpuProcess, gib: float) -> GpuReading:
    return reading({"used_bytes": int(gib * GIB), "free_bytes": int((80 - gib) * GIB), "processes": held})


def test_a_living_stranger_and_a_process_that_is_gone(tmp_path: Path) -> None:
    write(tmp_path, {"/proc/4711/stat": "x"})
    stranger = only(
        gpu_users.gpu_users(a_box(tmp_path, gpus=used(GpuProcess(4711, 20 * GIB, "python"), gib=21)))
    )
    assert stranger.level == "warning" and "20.0 GiB is held by others: 4711 python" in stranger.what
    assert stranger.fix == "ps -o pid,user,etime,args -p 4711"
    gone = only(gpu_users.gpu_users(a_box(tmp_path, gpus=used(GpuProcess(999, 20 * GIB, None), gib=21))))
    assert "1 process that ended (999)" in gone.what and "fuser" in gone.fix


def test_in_a_container_a_pid_of_the_host_is_not_called_dead(tmp_path: Path) -> None:
    box = a_box(tmp_path, gpus=used(GpuProcess(999, None, None), gib=21), files={"/.dockerenv": ""})
    assert "cannot be seen from here" in only(gpu_users.gpu_users(box)).what
    unseen = a_box(tmp_path, gpus=used(gib=21), files={"/.dockerenv": ""})
    assert "cannot be seen from here" in only(gpu_users.gpu_users(unseen)).what
    idle = a_box(tmp_path, gpus=used(gib=0.6), files={"/.dockerenv": ""})
    assert gpu_users.gpu_users(idle) == []


def test_a_run_of_ours_is_no_stranger(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    run: RunDirectory = create(runs, "mine")
    place = host.here()
    me, since = os.getpid(), processes.start_time(os.getpid()) or 0
    state = StateRecord(
        status="running",
        attempt=1,
        host=place.host,
        boot_id=place.boot_id,
        pid_namespace=place.pid_namespace,
        processes=[ProcessRecord(role="trainer", pid=me, start_time=since)],
    )
    run.state.write_bytes(encode_document(state))
    (tmp_path / "box/proc" / str(os.getpid())).mkdir(parents=True)
    held = used(GpuProcess(os.getpid(), 20 * GIB, "python"), gib=21)
    found = only(gpu_users.gpu_users(a_box(tmp_path / "box", gpus=held, given_runs_root=runs)))
    assert found.level == "note" and run.id in found.what


@pytest.mark.parametrize("processes", [(), (GpuProcess(991_234, 20 * GIB, None),)])
def test_a_run_of_ours_in_a_container_is_known_by_its_gpu(
    tmp_path: Path, processes: tuple[GpuProcess, ...]
) -> None:
    run = create(tmp_path / "runs", "mine")
    state = StateRecord(
        status="running",
        gpus=["GPU-0"],
        processes=[ProcessRecord(role="trainer", pid=os.getpid(), start_time=1)],
    )
    run.state.write_bytes(encode_document(state))
    held, inside = used(*processes, gib=21), {"/.dockerenv": ""}
    box = a_box(tmp_path / "box", gpus=held, files=inside, given_runs_root=tmp_path / "runs")
    found = only(gpu_users.gpu_users(box))
    assert found.level == "note" and run.id in found.what


# --- does torch fit ---------------------------------------------------------------------------------


def torch_box(tmp_path: Path, driver: tuple[int, int] = (12, 6), **torch_changes: Any) -> Box:
    return a_box(tmp_path, gpus=reading({}), facts=GpuFacts(cuda=driver), trainer=trainer(**torch_changes))


def test_torch_and_the_driver(tmp_path: Path) -> None:
    assert only(torch.torch_and_driver(torch_box(tmp_path))).level == "ok"
    old = only(torch.torch_and_driver(torch_box(tmp_path, (11, 8), is_available=False)))
    assert old.level == "error" and "runs CUDA 11.8 at most" in old.what
    assert old.fix.endswith("--index-url https://download.pytorch.org/whl/cu118")
    older_minor = only(torch.torch_and_driver(torch_box(tmp_path, (12, 2))))
    assert older_minor.level == "note"
    bare = a_box(tmp_path, gpus=reading({}), facts=GpuFacts(cuda=(12, 4)),
                 trainer=trainer(cuda=None, is_available=False))  # fmt: skip
    found = only(torch.torch_and_driver(bare))
    assert found.level == "error" and "/cu124" in found.fix
    words = "CUDA driver initialization failed"
    said = only(torch.torch_and_driver(torch_box(tmp_path, is_available=False, problem=words)))
    assert said.level == "error" and words in said.what
    assert torch.torch_and_driver(a_box(tmp_path, trainer=trainer(cuda=None))) == []


@pytest.mark.parametrize(
    ("driver", "build"),
    [((13, 1), "cu130"), ((12, 9), "cu128"), ((12, 4), "cu124"), ((12, 2), "cu124"), ((11, 8), "cu118"),
     ((11, 4), "cu118")],
)  # fmt: skip
def test_the_build_of_torch_that_a_driver_runs(tmp_path: Path, driver: tuple[int, int], build: str) -> None:
    bare = trainer(cuda=None, is_available=False)
    box = a_box(tmp_path, gpus=reading({}), facts=GpuFacts(cuda=driver), trainer=bare)
    assert only(torch.torch_and_driver(box)).fix.endswith(f"/{build}")


@pytest.mark.parametrize(
    ("capability", "names", "is_served"),
    [
        ((9, 0), ["sm_80", "sm_90"], True),
        ((8, 9), ["sm_80"], True),
        ((8, 6), ["sm_89"], False),
        ((12, 0), ["sm_80", "sm_90"], False),
        ((12, 0), ["sm_90", "compute_90"], True),
        ((7, 0), ["sm_75", "sm_80", "compute_75"], False),
        ((10, 0), ["sm_100a"], True),
    ],
)
def test_which_code_serves_which_card(
    tmp_path: Path, capability: tuple[int, int], names: list[str], is_served: bool
) -> None:
    gpus = reading({"compute_capability": capability})
    box = a_box(tmp_path, gpus=gpus, facts=GpuFacts(cuda=(12, 6)), trainer=trainer(architectures=names))
    assert (torch.architectures(box) == []) is is_served


def test_a_torch_that_does_not_import(tmp_path: Path) -> None:
    broken = TrainerReport(executable="/py", torch=TorchFacts(problem="ImportError: libcudnn.so.9"))
    found = only(torch.torch_imports(a_box(tmp_path, trainer=broken)))
    assert found.level == "error" and "libcudnn.so.9" in found.what


def test_quantizer_and_library_path(tmp_path: Path) -> None:
    assert torch.quantizer(torch_box(tmp_path)) == []
    lacking = only(torch.quantizer(torch_box(tmp_path, (13, 0), cuda="13.0")))
    assert lacking.level == "warning" and "CUDA 13.0" in lacking.what
    write(tmp_path, {"/usr/local/cuda/lib64/libcudnn.so.8": ""})
    box = a_box(tmp_path, gpus=reading({}), environment={"LD_LIBRARY_PATH": "/nothing:/usr/local/cuda/lib64"})
    found = only(torch.library_path(box))
    assert "libcudnn.so.8" in found.what
    assert found.fix == "export LD_LIBRARY_PATH=/nothing" and found.is_command


def test_only_the_folder_that_clashes_leaves_the_library_path(tmp_path: Path) -> None:
    cuda = "/usr/local/my cuda"
    write(tmp_path, {f"{cuda}/libcublas.so.12": "", "/usr/local/nvidia/lib64/libcuda.so.1": ""})

    def fix(value: str) -> str:
        box = a_box(tmp_path, gpus=reading({}), environment={"LD_LIBRARY_PATH": value})
        return only(torch.library_path(box)).fix

    assert fix(f"{cuda}:/usr/local/nvidia/lib64:/my libs") == (
        "export LD_LIBRARY_PATH='/usr/local/nvidia/lib64:/my libs'"
    )
    assert fix(f"{cuda}:") == fix(cuda) == "unset LD_LIBRARY_PATH"
    write(tmp_path, {f"{cuda}/libcuda.so.1": ""})
    assert "driver's libcuda" in fix(f"{cuda}:/my")
