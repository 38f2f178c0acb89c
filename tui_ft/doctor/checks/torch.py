"""Do driver, CUDA, torch and GPU fit together?"""

from __future__ import annotations

import re
from shlex import quote

from tui_ft.doctor.box import Box
from tui_ft.doctor.checks.gpu import BF16_CAPABILITY
from tui_ft.doctor.finding import Finding, error, note, ok, warning
from tui_ft.doctor.trainer_report import TorchFacts
from tui_ft.doctor.wanted import own_specs
from tui_ft.doctor.words import short
from tui_ft.spec.run_spec import RunSpec

_INDEX = "https://download.pytorch.org/whl"
_BUILDS = ((13, 0), (12, 8), (12, 6), (12, 4), (11, 8))
"""CUDA versions that torch 2.6 and later are built for, newest first (its download page)."""


def torch_imports(box: Box) -> list[Finding]:
    facts = _facts(box)
    if facts is None:
        return []
    if not facts.version:
        what = (
            f"torch cannot be imported by the trainer: {short(facts.problem or 'it does not say why', 200)}"
        )
        return [error("torch_imports", what, command=_install(box))]
    build = f"CUDA {facts.cuda}" if facts.cuda else f"ROCm {facts.hip}" if facts.hip else "the CPU"
    return [ok("torch_imports", f"torch {short(facts.version, 40)} is built for {short(build, 20)}.")]


def torch_and_driver(box: Box) -> list[Finding]:
    """torch needs a driver of its CUDA's major version at least (CUDA compatibility guide)."""
    facts, code = _facts(box), "torch_and_driver"
    if facts is None or not facts.version or not box.gpus.gpus:
        return []
    if facts.cuda is None and facts.hip is None:
        what = "torch is built for the CPU, and this box has a GPU: runs would not use it."
        return [error(code, what, command=_install(box))]
    cuda, driver = _pair(facts.cuda), box.gpu_facts.cuda
    if cuda is not None and driver is not None and cuda[0] > driver[0]:
        what = (
            f"The driver {short(box.gpus.driver or '', 20)} runs CUDA {driver[0]}.{driver[1]} at most, and "
            f"torch is built for CUDA {facts.cuda}: it finds no GPU."
        )
        return [error(code, what, command=_install(box))]
    if not facts.is_available:
        said = f": {short(facts.problem, 200)}" if facts.problem else "."
        fix = "Update the driver, or install a torch built for its CUDA version."
        command = _install(box) if driver is not None else ""
        return [error(code, f"The driver lists a GPU, but torch cannot use it{said}", fix, command=command)]
    if cuda is not None and driver is not None and cuda > driver:
        what = (
            f"torch is built for CUDA {facts.cuda}, the driver for {driver[0]}.{driver[1]}: it mostly works."
        )
        return [note(code, what, "If a kernel is refused as unknown, install an older build of torch.")]
    return [ok(code, f"torch uses {facts.devices} of the box's {len(box.gpus.gpus)} GPUs.")]


def architectures(box: Box) -> list[Finding]:
    """A build of torch holds code for some generations of GPUs only."""
    facts, code = _facts(box), "architectures"
    if facts is None or not facts.architectures:
        return []
    for gpu in box.gpus.gpus:
        capability = gpu.compute_capability
        if capability is None or _is_served(capability, facts.architectures):
            continue
        name = ".".join(map(str, capability))
        what = (
            f"GPU {gpu.index} ({short(gpu.name, 40)}) has compute capability {name}, for which torch "
            f"{short(facts.version, 30)} has no code (it has {short(', '.join(facts.architectures), 80)})."
        )
        return [error(code, what, command=_install(box))]
    return []


def _is_served(capability: tuple[int, int], names: list[str]) -> bool:
    """sm code runs on its own generation from its own minor on; compute code on everything newer."""
    for name in names:
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)[af]?", name)
        if not match:
            continue
        made_for = (int(match[2]), int(match[3]))
        if match[1] == "sm" and made_for[0] == capability[0] and made_for[1] <= capability[1]:
            return True
        if match[1] == "compute" and made_for <= capability:
            return True
    return False


def flash_attention(box: Box) -> list[Finding]:
    """What presets ask for against what is installed and what the GPU can."""
    facts, code = _facts(box), "flash_attention"
    asked = [spec for spec in own_specs() if spec.model.attention == "flash_attention_2"]
    has_package = box.trainer is not None and box.trainer.versions.get("flash-attn") is not None
    old = [gpu for gpu in box.gpus.gpus if (gpu.compute_capability or BF16_CAPABILITY) < BF16_CAPABILITY]
    if asked and old:
        what = f"{_preset(asked[0])} asks for flash_attention_2, which GPU {old[0].index} cannot do."
        return [warning(code, what, "Set model.attention to auto or sdpa in it.")]
    if asked and facts is not None and not has_package:
        what = f"{_preset(asked[0])} asks for flash_attention_2, and the trainer lacks flash-attn."
        return [
            warning(
                code, what, "Set model.attention to auto: torch's own kernels are as fast for most models."
            )
        ]
    return []


def _preset(spec: RunSpec) -> str:
    return f"Your preset {short(spec.notes.name, 40)}" if spec.notes.name else "One of your presets"


def quantizer(box: Box) -> list[Finding]:
    """QLoRA and 8-bit optimizers need a library of bitsandbytes for this very CUDA."""
    facts, trainer, code = _facts(box), box.trainer, "quantizer"
    if facts is None or trainer is None or not box.gpus.gpus or not facts.cuda:
        return []
    python = quote(trainer.executable)
    if trainer.versions.get("bitsandbytes") is None:
        what = "bitsandbytes is missing: QLoRA and 8-bit optimizers do not run."
        return [warning(code, what, command=f"{python} -m pip install 'bitsandbytes>=0.50'")]
    wanted = f"libbitsandbytes_cuda{facts.cuda.replace('.', '')}.so"
    if trainer.quantizer_libraries and wanted not in trainer.quantizer_libraries:
        what = f"bitsandbytes has no library for CUDA {facts.cuda}: QLoRA and 8-bit optimizers may not run."
        return [warning(code, what, command=f"{python} -m pip install -U bitsandbytes")]
    return []


def library_path(box: Box) -> list[Finding]:
    """An LD_LIBRARY_PATH of the image can put another cuDNN or cuBLAS before torch's own."""
    value = box.environment.get("LD_LIBRARY_PATH", "")
    if not value or not box.gpus.gpus:
        return []
    for folder in value.split(":")[:32]:
        names = box.names(folder) if folder.startswith("/") else []
        clash = next((name for name in names if re.match(r"lib(cudnn|cublas|nccl|cusparse)[._]", name)), None)
        if clash is None:
            continue
        what = f"LD_LIBRARY_PATH puts {short(folder, 60)} before torch's own libraries ({short(clash, 40)})."
        if any(name.startswith("libcuda.so") for name in names):
            fix = "The driver's libcuda lies there, too: leave the folder, and move the others out of it."
            return [note("library_path", what, fix)]
        return [note("library_path", what, command=_without(folder, value))]
    return []


def _without(folder: str, value: str) -> str:
    """The command that takes one folder out of LD_LIBRARY_PATH: the driver may be found by another."""
    rest = [one for one in value.split(":") if one and one != folder]
    return f"export LD_LIBRARY_PATH={quote(':'.join(rest))}" if rest else "unset LD_LIBRARY_PATH"


def _facts(box: Box) -> TorchFacts | None:
    trainer = box.trainer
    return trainer.torch if trainer is not None and trainer.problem is None else None


def _pair(text: str | None) -> tuple[int, int] | None:
    match = re.match(r"(\d{1,3})\.(\d{1,3})", text or "")
    return (int(match[1]), int(match[2])) if match else None


def _build_for(driver: tuple[int, int] | None) -> tuple[int, int] | None:
    """The newest build that a driver runs: within a major version an older driver does, too."""
    if driver is None:
        return _BUILDS[0]
    older = [one for one in _BUILDS if one <= driver]
    same = [one for one in _BUILDS if one[0] == driver[0]]
    if older and older[0][0] == driver[0]:
        return older[0]
    return same[-1] if same else (older[0] if older else None)


def _install(box: Box) -> str:
    """The command that installs a torch that this box's driver can run."""
    python = quote(box.trainer.executable) if box.trainer is not None and box.trainer.executable else "python"
    driver = box.gpu_facts.cuda
    if not box.gpus.gpus:
        return f"{python} -m pip install --force-reinstall torch --index-url {_INDEX}/cpu"
    build = _build_for(driver)
    index = f" --index-url {_INDEX}/cu{build[0]}{build[1]}" if build is not None else ""
    return f"{python} -m pip install --force-reinstall torch{index}"
