"""The vision tower of multimodal models that the trainer loads whole: counted, frozen, never fed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tui_ft.vram.families.layout import Family, weights
from tui_ft.vram.families.parts import layer_norms, plain
from tui_ft.vram.families.sizes import Sizes
from tui_ft.vram.shape import ModelShape, Weight

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

TOWERS = {"gemma3": (SIGLIP, "siglip_vision_model")}
"""The tower's row and the `model_type` of its config, by that of the whole model."""


def has_tower(config: Mapping[str, Any]) -> bool:
    """True where the trainer loads a tower with the language model of `config`."""
    return config.get("model_type") in TOWERS and isinstance(config.get("text_config"), Mapping)


def with_tower(shape: ModelShape, config: Mapping[str, Any]) -> ModelShape:
    """Put the tower that `config` describes before the language model; without one, `shape` as it is."""
    if not has_tower(config):
        return shape
    row, family = TOWERS[config["model_type"]]
    vision = config.get("vision_config")
    known = dict(vision) if isinstance(vision, Mapping) else {}
    known["use_head"] = known.get("vision_use_head")
    sizes = Sizes({**known, "text_width": shape.hidden}, row, family, shape.name, is_nested=True)
    tower = list(weights(row.around, sizes))
    for layer in range(sizes.whole("L", most=1000)):
        block = weights(row.block, sizes)
        tower += [Weight(f"{row.stack}.{layer}.{w.module}", w.parameter, w.shape, w.role) for w in block]
    return replace(
        shape,
        outside=(*tower, *(_moved(weight) for weight in shape.outside)),
        stack=_below(shape.stack),
        notes=(
            *shape.notes,
            "Its vision tower is loaded too, and counted; training on text does not use it.",
        ),
    )


def _moved(weight: Weight) -> Weight:
    return Weight(_below(weight.module), weight.parameter, weight.shape, weight.role)


def _below(module: str) -> str:
    """Where a module of the language model stands inside the multimodal one."""
    return module.replace("model.", "model.language_model.", 1) if module.startswith("model.") else module
