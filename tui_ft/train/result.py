"""The end of a run: the adapter or model under `result/`, and the Python that loads it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tui_ft.runs.directory import UNFINISHED_PREFIX, RunDirectory
from tui_ft.runs.renaming import exchange, sync
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.model import model_source
from tui_ft.train.precision import Precision

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ADAPTER_KINDS = frozenset({"lora"})


@dataclass(frozen=True, kw_only=True)
class Result:
    """Where the result lies, how large it is, and how it is loaded."""

    path: str
    bytes: int
    usage: str


def save(
    run: RunDirectory,
    spec: RunSpec,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    precision: Precision,
) -> Result:
    """Write the result aside and rename it into place; a result of an earlier attempt is replaced.

    Raises `OSError` when the disk refuses.
    """
    folder = run.path / f"{UNFINISHED_PREFIX}{run.result.name}"
    if folder.exists():
        shutil.rmtree(folder)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    card = folder / "README.md"  # peft's empty form of a model card
    card.unlink(missing_ok=True)
    size = 0
    for path in (folder, *folder.rglob("*")):
        if path.is_file():
            size += path.stat().st_size
        sync(path)
    _give_name(folder, run.result)
    sync(run.path)
    shutil.rmtree(folder, ignore_errors=True)  # the one that was replaced
    return Result(path=str(run.result), bytes=size, usage=usage(run, spec, precision))


def _give_name(folder: Path, final: Path) -> None:
    if os.path.lexists(final):
        if exchange(folder, final):
            return
        shutil.rmtree(final)
    folder.rename(final)


def lower_precision(model: PreTrainedModel, spec: RunSpec, precision: Precision) -> None:
    """Bring a whole model that was trained in fp32 under 16-bit autocast to that 16-bit dtype.

    It is done before the last samples are taken, so that they show what `result/` will answer. Buffers
    stay: what loads the result computes those of the positions anew, in fp32.
    """
    if spec.method.kind not in ADAPTER_KINDS and precision.uses_autocast:
        for parameter in model.parameters():
            parameter.data = parameter.data.to(precision.compute)


def usage(run: RunDirectory, spec: RunSpec, precision: Precision) -> str:
    """The lines of Python that load the result."""
    dtype = str(precision.load if spec.method.kind in ADAPTER_KINDS else precision.compute)
    folder = str(run.result)
    if spec.method.kind not in ADAPTER_KINDS:
        return "\n".join(
            (
                "import torch",
                "from transformers import AutoModelForCausalLM, AutoTokenizer",
                f"model = AutoModelForCausalLM.from_pretrained({folder!r}, dtype={dtype})",
                f"tokenizer = AutoTokenizer.from_pretrained({folder!r})",
            )
        )
    lines = ["import torch", "from peft import PeftModel"]
    options = f"dtype={dtype}"
    if spec.method.quantization is None:
        lines.append("from transformers import AutoModelForCausalLM, AutoTokenizer")
    else:
        lines.append("from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig")
        lines.append(f"config = {quantization_source(spec, precision.compute)}")
        options += ", quantization_config=config"
    lines += [
        f"base = AutoModelForCausalLM.from_pretrained({model_source(spec)!r}, {options})",
        f"model = PeftModel.from_pretrained(base, {folder!r})",
        f"tokenizer = AutoTokenizer.from_pretrained({folder!r})",
    ]
    return "\n".join(lines)


def quantization_source(spec: RunSpec, compute: torch.dtype) -> str:
    """The bitsandbytes configuration of the run as Python source."""
    kind = spec.method.quantization
    if kind == "int8":
        return "BitsAndBytesConfig(load_in_8bit=True)"
    return (
        f'BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="{kind}", '
        f"bnb_4bit_use_double_quant={bool(spec.method.double_quantization)}, "
        f"bnb_4bit_compute_dtype={compute})"
    )
