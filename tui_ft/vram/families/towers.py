"""The towers of multimodal models that the trainer loads whole: counted, never fed by text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tui_ft.vram.families.layout import Family, weights
from tui_ft.vram.families.parts import (
    HEAD_NORMS,
    SANDWICH_NORMS,
    attention,
    gated,
    layer_norms,
    plain,
    renamed,
)
from tui_ft.vram.families.sizes import Sizes
from tui_ft.vram.shape import ModelShape, Weight

MOST_LAYERS = 500

ATTENTION = """
self_attn.k_proj    linear  h h  bias
self_attn.v_proj    linear  h h  bias
self_attn.q_proj    linear  h h  bias
self_attn.out_proj  linear  h h  bias
"""

SIGLIP = Family(
    stack="model.vision_tower.encoder.layers",
    block=layer_norms("layer_norm1", "layer_norm2") + ATTENTION + plain("mlp.fc1", "mlp.fc2"),
    around="""
model.vision_tower.embeddings.patch_embedding     module        h num_channels patch_size patch_size  bias
model.vision_tower.embeddings.position_embedding  embedding     patches*patches h
model.vision_tower.post_layernorm                 norm          h  bias
model.vision_tower.head.probe                     other         1 1 h  if vision_use_head
model.vision_tower.head.attention.in_proj_weight  other         3*h h  if vision_use_head
model.vision_tower.head.attention.in_proj_bias    other         3*h    if vision_use_head
model.vision_tower.head.attention.out_proj        custom_linear  h h  bias  if vision_use_head
model.vision_tower.head.layernorm                 norm          h  bias  if vision_use_head
model.vision_tower.head.mlp.fc1                   linear        f h  bias  if vision_use_head
model.vision_tower.head.mlp.fc2                   linear        h f  bias  if vision_use_head
model.multi_modal_projector.mm_input_projection_weight  other   h text_width
model.multi_modal_projector.mm_soft_emb_norm      norm          h
""",
    let={"patches": "image_size // patch_size", "vision_use_head": "True if use_head is None else use_head"},
)

GEMMA4_VISION = Family(
    stack="model.vision_tower.encoder.layers",
    block=renamed(attention() + gated(), {"_proj ": "_proj.linear "}) + HEAD_NORMS + SANDWICH_NORMS,
    around="""
model.vision_tower.patch_embedder.position_embedding_table  other   2 position_embedding_size h
model.vision_tower.patch_embedder.input_proj                linear  h 3*patch_size*patch_size
model.embed_vision.embedding_projection  linear         text_width h  if not is_last
model.embed_vision.embedding_projection  custom_linear  text_width h  if is_last
""",
)

GEMMA4_AUDIO = Family(
    stack="model.audio_tower.layers",
    block="".join(
        f"""
{part}.ffw_layer_1.linear  linear  4*h h
{part}.ffw_layer_2.linear  linear  h 4*h
{part}.pre_layer_norm      norm    h
{part}.post_layer_norm     norm    h
"""
        for part in ("feed_forward1", "feed_forward2")
    )
    + """
self_attn.per_dim_scale      other   h//heads
self_attn.q_proj.linear      linear  h h
self_attn.k_proj.linear      linear  h h
self_attn.v_proj.linear      linear  h h
self_attn.post.linear        linear  h h
self_attn.relative_k_proj    linear  h h
lconv1d.linear_start.linear  linear  2*h h
lconv1d.linear_end.linear    linear  h h
lconv1d.depthwise_conv1d     module  h 1 conv_kernel_size
lconv1d.pre_layer_norm       norm    h
lconv1d.conv_norm            norm    h
norm_pre_attn                norm    h
norm_post_attn               norm    h
norm_out                     norm    h
""",
    around="""
model.audio_tower.subsample_conv_projection.layer0.conv  module  first 1 3 3
model.audio_tower.subsample_conv_projection.layer0.norm  norm    first
model.audio_tower.subsample_conv_projection.layer1.conv  module  second first 3 3
model.audio_tower.subsample_conv_projection.layer1.norm  norm    second
model.audio_tower.subsample_conv_projection.input_proj_linear  linear  h first//4*second
model.audio_tower.output_proj           linear  output_proj_dims h  bias
model.embed_audio.embedding_projection  linear         text_width output_proj_dims  if not is_last
model.embed_audio.embedding_projection  custom_linear  text_width output_proj_dims  if is_last
""",
    let={"first": "subsampling_conv_channels[0]", "second": "subsampling_conv_channels[1]"},
)


@dataclass(frozen=True, slots=True)
class Tower:
    """The config of a tower stands under `key`; a tower that is optional is there if that key is set."""

    key: str
    row: Family
    family: str
    is_optional: bool


TOWERS = {
    "gemma3": (Tower("vision_config", SIGLIP, "siglip_vision_model", False),),
    "gemma4": (
        Tower("vision_config", GEMMA4_VISION, "gemma4_vision", True),
        Tower("audio_config", GEMMA4_AUDIO, "gemma4_audio", True),
    ),
}
"""The towers that the trainer loads, by the `model_type` of the whole model."""

NOTE = "What it sees or hears with is loaded too, and counted; training on text does not use it."


def has_towers(config: Mapping[str, Any]) -> bool:
    """True where the trainer loads the whole of a multimodal model, not its language model alone."""
    return config.get("model_type") in TOWERS and isinstance(config.get("text_config"), Mapping)


def with_towers(shape: ModelShape, config: Mapping[str, Any]) -> ModelShape:
    """Put the towers that `config` describes before the language model; without any, `shape` as it is."""
    if not has_towers(config):
        return shape
    towers = [
        tower
        for tower in TOWERS[config["model_type"]]
        if not tower.is_optional or config.get(tower.key) is not None
    ]
    counted: list[Weight] = []
    for tower in towers:
        # bitsandbytes leaves the last layer of a model alone
        is_last = shape.is_tied and tower is towers[-1]
        counted += _weights(tower, shape, config.get(tower.key), is_last=is_last)
    return replace(
        shape,
        outside=(*counted, *(_moved(weight) for weight in shape.outside)),
        stack=_below(shape.stack),
        notes=(*shape.notes, NOTE) if counted else shape.notes,
    )


def _weights(tower: Tower, shape: ModelShape, config: Any, *, is_last: bool) -> Iterator[Weight]:
    known = dict(config) if isinstance(config, Mapping) else {}
    known |= {"use_head": known.get("vision_use_head"), "text_width": shape.hidden, "is_last": is_last}
    row = tower.row
    sizes = Sizes(known, row, tower.family, shape.name, is_nested=True)
    yield from weights(row.around, sizes)
    for layer in range(sizes.whole("L", most=MOST_LAYERS)):
        for weight in weights(row.block, sizes):
            module = f"{row.stack}.{layer}.{weight.module}"
            yield Weight(module, weight.parameter, weight.shape, weight.role)


def _moved(weight: Weight) -> Weight:
    return Weight(_below(weight.module), weight.parameter, weight.shape, weight.role)


def _below(module: str) -> str:
    """Where a module of the language model stands inside the multimodal one."""
    return module.replace("model.", "model.language_model.", 1) if module.startswith("model.") else module
