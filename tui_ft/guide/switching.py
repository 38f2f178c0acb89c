"""From one method to another: the overrides that make a method of a spec, with that method's own defaults."""

from __future__ import annotations

from tui_ft.spec.learning import MethodKind
from tui_ft.spec.resolve import METHOD_KEYS
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram.shape import ModelShape

METHODS: tuple[str, ...] = (
    "full", "last_layers", "lora", "qlora", "adalora", "adapter", "prefix", "prompt", "p_tuning", "ia3",
)  # fmt: skip
"""Every method as people name it: QLoRA is LoRA on a quantised base."""

LARGE_PARAMETERS = 6_500_000_000
"""From here on ("7B", which begins at 6.7B) full fine-tuning starts with half the learning rate."""


def method_of(spec: RunSpec) -> str:
    """The method of `spec` as people name it."""
    return "qlora" if spec.method.kind == "lora" and spec.method.quantization else spec.method.kind


def kind_of(method: str) -> MethodKind:
    """The kind of method of the spec that `method` is a name of."""
    also: dict[str, MethodKind] = {"qlora": "lora", "qat": "full"}
    return also[method] if method in also else next(kind for kind in METHOD_KEYS if kind == method)


def switch(spec: RunSpec, shape: ModelShape, method: str) -> tuple[str, ...]:
    """The overrides that turn `spec` to `method`; none for the method that it has already.

    What was set for another method (its learning rate) goes back to the default of the new one; a soft
    prompt takes its tokens from the length where the context is full; prefix tuning fails with gradient
    checkpointing, so that goes off.
    """
    if method == method_of(spec):
        return ()
    kind = kind_of(method)
    changes = [f"method.kind={'full' if method == 'qat' else method}"]
    if spec.training.learning_rate is not None:
        changes.append("training.learning_rate=")
    if kind == "full" and shape.parameters >= LARGE_PARAMETERS:
        changes[1:] = ["training.learning_rate=1e-5"]
    if kind == "prefix" and spec.training.gradient_checkpointing:
        changes.append("training.gradient_checkpointing=false")
    tokens = METHOD_KEYS[kind].get("virtual_tokens", 0)
    if shape.context and spec.data.max_length <= shape.context < spec.data.max_length + tokens:
        changes.append(f"data.max_length={max(shape.context - tokens, 8)}")
    return tuple(changes)


def smaller_batches(spec: RunSpec) -> list[tuple[str, ...]]:
    """Overrides for ever fewer rows at a time, down to one, with the same effective batch."""
    batch, accumulation = spec.training.batch_size, spec.training.gradient_accumulation
    effective = batch * accumulation
    found: list[tuple[str, ...]] = []
    while batch > 1:
        batch //= 2
        while effective % batch:
            batch -= 1
        found.append((f"training.batch_size={batch}", f"training.gradient_accumulation={effective // batch}"))
    return found
