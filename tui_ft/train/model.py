"""Loading base model and tokenizer: always with an explicit dtype, quantised where the spec says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.precision import Precision

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase


def model_source(spec: RunSpec) -> str:
    """The folder or hub id to load from; `demo` is the built-in model."""
    if spec.model.id is None:
        raise TuiFtError("model.id is not set.", "Name a local folder or a hub id.")
    return str(demo_paths.model_folder()) if spec.model.id == "demo" else spec.model.id


def load_tokenizer(spec: RunSpec) -> PreTrainedTokenizerBase:
    """Load the tokenizer; one without a padding token pads with its end token.

    Raises `TuiFtError` when the model brings none that can be read.
    """
    from transformers import AutoTokenizer

    source = model_source(spec)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            source, revision=spec.model.revision, trust_remote_code=spec.model.trust_remote_code
        )
    except (OSError, ValueError, KeyError) as error:
        raise TuiFtError(
            f"The tokenizer of {source} cannot be loaded: {one_line(error)}.",
            "The model's folder must hold its tokenizer files.",
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise TuiFtError(
            f"The tokenizer of {source} has neither a padding nor an end token.",
            "Choose a model with a complete tokenizer.",
        )
    tokenizer.padding_side = "right"
    return tokenizer


def quantization(spec: RunSpec, precision: Precision) -> BitsAndBytesConfig | None:
    """The bitsandbytes configuration of the spec's `method.quantization`, or None."""
    from transformers import BitsAndBytesConfig

    kind = spec.method.quantization
    if kind is None:
        return None
    if kind == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=kind,
        bnb_4bit_use_double_quant=bool(spec.method.double_quantization),
        bnb_4bit_compute_dtype=precision.compute,
    )


def attention_implementation(spec: RunSpec) -> str | None:
    """What transformers is told; None lets it take torch's fused kernels, and eager where a model has none.

    Gemma 2 and gpt-oss are of that kind: asked for "sdpa" they cannot be loaded.
    """
    return None if spec.model.attention == "auto" else spec.model.attention


def load_model(spec: RunSpec, precision: Precision, device: torch.device) -> PreTrainedModel:
    """Load the base model for training on `device`.

    Raises `TuiFtError` when the model cannot be read or is no causal language model.
    """
    from transformers import AutoModelForCausalLM

    source = model_source(spec)
    options: dict[str, Any] = {
        "revision": spec.model.revision,
        "trust_remote_code": spec.model.trust_remote_code,
        "dtype": precision.load,
        "attn_implementation": attention_implementation(spec),
        "use_safetensors": True,  # no pickle of other people's files
    }
    config = quantization(spec, precision)
    if config is not None:
        options["quantization_config"] = config
    if device.type == "cuda":
        options["device_map"] = {"": 0}
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(source, **options)
    except ImportError as error:
        raise TuiFtError(
            f"{source} needs a package that is not installed: {one_line(error)}.",
            "Install it, or choose model.attention = sdpa.",
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise TuiFtError(
            f"The model {source} cannot be loaded: {one_line(error)}.",
            "It must be a causal language model with config.json and safetensors weights.",
        ) from error
    mend_generation_config(model)
    return model


def mend_generation_config(model: PreTrainedModel) -> None:
    """Let a model be saved whose own generation settings contradict themselves.

    Some models of the hub set a temperature but no sampling; the library loads them and refuses to
    save them. Greedy answers set no sampling themselves, so nothing else depends on it.
    """
    config = model.generation_config
    if config is None:
        return
    try:
        config.validate(strict=True)
    except ValueError:
        config.do_sample = True


def one_line(error: BaseException, limit: int = 300) -> str:
    """The first sentence of a library's message on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if len(text) <= limit else text[: limit - 1] + "…").rstrip(".")
