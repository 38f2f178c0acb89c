"""Which linear layers an adapter goes beside: the choice that trainer and peft make, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tui_ft.errors import TuiFtError
from tui_ft.vram.shape import ModelShape, Weight

LINEAR = ("linear", "conv1d")


def lora_targets(shape: ModelShape, targets: str | Sequence[str]) -> list[Weight]:
    """The weights of every targeted layer, in the model's order: one entry for each adapter.

    `targets` is "all-linear" (every linear layer but the head), "attention" (the names of those inside
    attention blocks, wherever they occur), or names, each the end of a module's path.
    Raises `TuiFtError` for a name that no linear layer has.
    """
    if targets == "all-linear":
        return [weight for weight in shape.weights() if weight.role in LINEAR]
    if targets == "attention":
        names = attention_names(shape)
    else:
        names = [targets] if isinstance(targets, str) else list(targets)
        _check(shape, names)
    ends = tuple(f".{name}" for name in names)
    found = [weight for path, weight in _linear(shape) if path in names or path.endswith(ends)]
    if not found:
        raise TuiFtError(
            f"No linear layer of {shape.name} is chosen by method.targets.",
            f"Name some of {', '.join(linear_names(shape))}, or choose all-linear.",
        )
    return found


def linear_names(shape: ModelShape) -> list[str]:
    """The distinct last names of the linear layers, the head left out."""
    return sorted({path.rsplit(".", 1)[-1] for path, _ in _linear(shape, each_once=True)})


def attention_names(shape: ModelShape) -> list[str]:
    """The last names of the linear layers inside attention blocks."""
    paths = (path for path, _ in _linear(shape, each_once=True) if "attn" in path.lower())
    return sorted({path.rsplit(".", 1)[-1] for path in paths})


def _linear(shape: ModelShape, *, each_once: bool = False) -> Iterator[tuple[str, Weight]]:
    """Paths and weights of all linear layers; `each_once` skips blocks equal to an earlier one."""
    for weight in shape.outside:
        if weight.role in LINEAR:
            yield weight.module, weight
    seen: set[int] = set()
    for index, block in enumerate(shape.blocks):
        if each_once and id(block) in seen:
            continue
        seen.add(id(block))
        prefix = f"{shape.stack}.{index}."
        for weight in block:
            if weight.role in LINEAR:
                yield prefix + weight.module, weight


def _check(shape: ModelShape, names: list[str]) -> None:
    known = linear_names(shape)
    for name in names:
        if name.rsplit(".", 1)[-1] not in known:
            raise TuiFtError(
                f"method.targets names {name!r}, which is no linear layer of {shape.name}.",
                f"It has {', '.join(known)}.",
            )
