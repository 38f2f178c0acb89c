"""A plain Hugging Face + PEFT loop on fp16 models, as the public T4 archive measured it.

fitcheck-llm 0.3.1 (MIT), data/measurements: LoRA on an fp16 or an nf4 base, `prepare_model_for_kbit_training`
for the latter, fp32 adapters, foreach AdamW, checkpointing, the model's own loss; the model's output is
kept alive through the backward pass; the peaks are those of the second step.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from tui_ft.train.simulate.answers import Answers
from tui_ft.train.simulate.kernels import Attention, fused_activations
from tui_ft.train.simulate.loading import PACKED_4BIT, Loading
from tui_ft.train.simulate.quantized import quantize
from tui_ft.train.simulate.tracing import Trace, Tracer

CONTEXT_BYTES = round(140.875 * (1 << 20))
"""CUDA context of the archive's T4 after some steps: nvidia-smi's figure minus reserved, in every row."""

_LOOP = "hf+peft raw loop"

SECOND_STEP = "forward 1"
"""The archive reset its counters before the second step."""


@dataclass(frozen=True)
class Setting:
    """One configuration of the archive."""

    model: str
    quantization: str
    length: int
    batch: int
    attention: str
    rank: int
    checkpointing: bool


@dataclass(frozen=True)
class Measured:
    """What the archive measured, in bytes, once for each repetition."""

    setting: Setting
    allocated: tuple[float, ...]
    reserved: tuple[float, ...]
    process: tuple[float, ...]


def measured(path: Path) -> list[Measured]:
    """The archive's rows, those of one configuration together."""
    found: dict[Setting, dict[str, list[float]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            if not row.get("framework", _LOOP).startswith(_LOOP):
                continue
            setting = Setting(
                row["model"],
                row["quant"],
                int(row["seq_len"]),
                int(row["micro_batch"]),
                row["attn"].split()[0],
                int(row["lora_rank"]),
                row["grad_ckpt"] == "1",
            )
            kinds = found.setdefault(setting, {})
            kinds.setdefault(row["kind"], []).append(float(row["measured_gib"]) * (1 << 30))
    kinds_of = ("allocated", "reserved", "reserved+context")
    return [Measured(s, *(tuple(kinds.get(kind, ())) for kind in kinds_of)) for s, kinds in found.items()]


def loading_of(setting: Setting) -> Loading:
    """fp16 weights are moved as they are; an nf4 base is packed while it is read."""
    if setting.quantization == "none":
        return Loading(itemsize=2, warm_up=None)
    return Loading(itemsize=2, warm_up=PACKED_4BIT, is_prepared=True)


def trace(setting: Setting, config: Any, layers: int | None = None) -> Trace:
    """Two steps of the archive's loop; `config` is a transformers config, cut to `layers`."""
    if layers is not None:
        config.num_hidden_layers = layers
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[:layers]
    tracer = Tracer()
    with FakeTensorMode(allow_non_fake_inputs=True), fused_activations(), _moving_nothing():
        model = _model(setting, config)
        for name, parameter in model.named_parameters():
            tracer.register(parameter, name, "adapter" if "lora_" in name else "weights")
        for name, buffer in model.named_buffers():
            tracer.register(buffer, name, "weights")
        _mark_layers(model, tracer)
        with _repeated_heads(), tracer, Answers(is_plain=True):
            _steps(setting, model, tracer)
        return tracer.trace()


def _steps(setting: Setting, model: Any, tracer: Tracer) -> None:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, foreach=True)
    tokens = torch.zeros((setting.batch, setting.length), dtype=torch.long, device="cuda")
    for step in range(2):
        tracer.mark(f"forward {step}")
        tracer.book_workspace()  # the archive's script had multiplied something before: its rows show it
        optimizer.zero_grad(set_to_none=True)
        output = model(input_ids=tokens, labels=tokens)
        tracer.mark(f"backward {step}")
        output.loss.backward()
        tracer.mark(f"optimizer {step}")
        optimizer.step()
        tracer.mark(f"after optimizer {step}")
        del output
        _note_states(model, optimizer, tracer)
    tracer.mark("end")


def _note_states(model: Any, optimizer: torch.optim.Optimizer, tracer: Tracer) -> None:
    names = {parameter: name for name, parameter in model.named_parameters()}
    for parameter, state in optimizer.state.items():
        for value in state.values():
            tracer.categorise(value, "optimizer", names[parameter])


def _mark_layers(model: Any, tracer: Tracer) -> None:
    """Mark where each layer's forward and backward pass begins and the head's."""
    layers = model.get_base_model().model.layers
    for number, layer in enumerate(layers):
        layer.register_forward_pre_hook(lambda *_, mark=f"layer {number}": tracer.mark(mark))
        layer.register_forward_hook(_at_gradient(tracer, f"backward layer {number}"))
    layers[-1].register_forward_hook(lambda *_: tracer.mark("head"))


def _at_gradient(tracer: Tracer, mark: str) -> Any:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        hidden = output[0] if isinstance(output, tuple) else output
        if hidden.requires_grad:
            hidden.register_hook(lambda gradient: tracer.mark(mark))

    return hook


def _model(setting: Setting, config: Any) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, initialization

    attention = "eager" if setting.attention == "eager" else "sdpa"
    with torch.device("cuda"), initialization.no_init_weights():
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float16, attn_implementation=attention)
    model.tie_weights()
    if setting.quantization == "nf4":
        with torch.device("cuda"):
            quantize(model, _nf4())
        for parameter in model.parameters():
            if parameter.dtype is torch.float16:
                parameter.data = parameter.data.float()
    adapter = LoraConfig(
        r=setting.rank,
        lora_alpha=2 * setting.rank,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
        task_type="CAUSAL_LM",
    )
    with torch.device("cuda"):
        model = get_peft_model(model, adapter)
    model.get_base_model().config.use_cache = False
    if setting.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    return model.train()


def _nf4() -> Any:
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.float16,
        bnb_4bit_use_double_quant=False,
    )


@contextmanager
def _moving_nothing() -> Iterator[None]:
    """A parameter without values cannot be moved; everything is born where it is used."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    moves = (nn.Module, "to"), (BaseTunerLayer, "_move_adapter_to_device_of_base_layer")
    before = [getattr(owner, name) for owner, name in moves]
    nn.Module.to = lambda module, *_, **__: module  # type: ignore[method-assign]
    BaseTunerLayer._move_adapter_to_device_of_base_layer = lambda *_, **__: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        for (owner, name), was in zip(moves, before, strict=True):
            setattr(owner, name, was)


@contextmanager
def _repeated_heads() -> Iterator[None]:
    """The archive's attention: keys and values repeated for every query head, no 4-D mask.

    A T4 has no flash attention; the memory-efficient kernel knows no grouped heads.
    """
    import transformers.integrations.sdpa_attention as sdpa
    from transformers import masking_utils

    swapped: list[tuple[Any, str, Any]] = [
        (nn.functional, "scaled_dot_product_attention", Attention(has_flash=False)),
        (sdpa, "use_gqa_in_sdpa", lambda *_: False),
        (masking_utils, "is_tracing", lambda *_: False),
    ]
    before = [getattr(owner, name) for owner, name, _ in swapped]
    for owner, name, value in swapped:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for (owner, name, _), was in zip(swapped, before, strict=True):
            setattr(owner, name, was)
