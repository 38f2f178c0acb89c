"""The base model without weights: transformers' own layers, quantised where the spec says so."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui_ft.errors import TuiFtError
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.model import attention_implementation, one_line, quantization
from tui_ft.train.precision import Precision
from tui_ft.train.simulate.quantized import quantize

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


def build_model(
    document: Mapping[str, Any], spec: RunSpec, precision: Precision, layers: int | None
) -> PreTrainedModel:
    """A causal language model of the given `config.json`, cut to `layers` decoder layers.

    Raises `TuiFtError` for a config that the installed transformers cannot build.
    """
    from transformers import AutoModelForCausalLM, initialization
    from transformers.quantizers import AutoHfQuantizer

    try:
        config = text_config(document, layers)
        with initialization.no_init_weights():
            model: PreTrainedModel = AutoModelForCausalLM.from_config(
                config, dtype=precision.load, attn_implementation=_attention(spec)
            )
        model.tie_weights()
    except (ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise TuiFtError(
            f"This model cannot be built for the simulation: {one_line(error)}.",
            "The closed form still holds; --exact needs a model that the installed transformers knows.",
        ) from error
    bits = quantization(spec, precision)
    if bits is not None:
        quantize(model, bits)
        attributes: Any = model
        attributes.hf_quantizer = AutoHfQuantizer.from_config(
            bits, pre_quantized=False
        )  # the trainer asks it
    return model


def layers_of(document: Mapping[str, Any]) -> tuple[int, int]:
    """The number of decoder layers, and after how many of them their kinds repeat.

    Raises `TuiFtError` for a config that the installed transformers cannot read.
    """
    try:
        config = text_config(document, None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TuiFtError(f"This config cannot be read: {one_line(error)}.") from error
    whole = int(config.num_hidden_layers)
    kinds = list(getattr(config, "layer_types", None) or ())
    return whole, next((n for n in range(1, whole) if kinds[n:] == kinds[:-n]), 1) if kinds else 1


def _attention(spec: RunSpec) -> str | None:
    """The implementation that the trainer asks for; flash attention's package need not be installed here."""
    asked = attention_implementation(spec)
    return "sdpa" if asked == "flash_attention_2" else asked


def text_config(document: Mapping[str, Any], layers: int | None) -> PretrainedConfig:
    """The config of the language model, with as many layers as are simulated."""
    from transformers import AutoConfig

    options = copy.deepcopy(dict(document))
    kind = options.pop("model_type", None)
    if not isinstance(kind, str):
        raise ValueError("config.json has no model_type")
    options.pop("quantization_config", None)
    config = AutoConfig.for_model(kind, **options).get_text_config()
    if layers is not None:
        config.num_hidden_layers = layers
        for name in ("layer_types", "mlp_layer_types", "no_rope_layers"):
            pattern = getattr(config, name, None)
            if isinstance(pattern, list):
                setattr(config, name, pattern[:layers])
    return config
