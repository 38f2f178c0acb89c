"""The simulation's answer to one request: peaks, the least capacity, and what was alive at the peak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tui_ft.errors import TuiFtError
from tui_ft.spec import precision as policy
from tui_ft.spec import toml
from tui_ft.spec.resolve import resolve
from tui_ft.train.simulate import loading
from tui_ft.train.simulate.base_model import layers_of
from tui_ft.train.simulate.deepen import NotAlike, deepen, shallow_depth
from tui_ft.train.simulate.ours import Case, trace_steps
from tui_ft.train.simulate.replay import Replay, minimum_capacity, replay
from tui_ft.train.simulate.tracing import Event, Storage, Trace

Tell = Callable[[str, int, int], None]
"""Called with a step, how much of it is done, and of how much."""

LARGEST_SHOWN = 20
_OLDER = (7, 5)
_LOSS_PHASES = frozenset({"head", "backward"})
_OWN_PART = frozenset({"weights", "adapter", "gradients", "optimizer", "workspace"})


def answer(request: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Simulate what the request describes. Raises `TuiFtError` where that cannot be done."""
    return answer_case(_case(request), tell)


def answer_case(case: Case, tell: Tell) -> dict[str, Any]:
    """The same for a case that is put together already."""
    whole, period = layers_of(case.config)
    depth = _depth(case, whole, period)
    tell("simulating", 0, depth)
    trace = _whole_trace(case, depth, whole, period)
    tell("replaying", 0, 2)
    load = loading.load_events(trace, _loading(case))
    played = replay(trace, load)
    tell("replaying", 1, 2)
    return {
        "schema": 1,
        "parts_bytes": _parts(trace, load, played),
        "allocated_bytes": played.allocated,
        "reserved_bytes": played.reserved,
        "capacity_bytes": minimum_capacity(trace, load),
        "peak_phase": played.peak_phase,
        "trainable_parameters": _trained(trace),
        "layers_simulated": [min(depth, whole)],
        "composition": _composition(trace, played),
    }


def _case(request: Mapping[str, Any]) -> Case:
    try:
        config, text = request["config"], request["spec"]
        spec = toml.loads(text)
        capability = tuple(request.get("capability") or ((8, 0) if request.get("has_bf16", True) else _OLDER))
        longest = request.get("longest_row")
    except (KeyError, TypeError) as error:
        raise TuiFtError(f"The request of the simulation lacks {error}.") from error
    return Case(config=config, spec=spec, longest_row=longest, capability=(capability[0], capability[1]))


def _depth(case: Case, whole: int, period: int) -> int:
    """Layers to simulate: where only the last ones are trained, the one that is repeated is a frozen one."""
    shallow = shallow_depth(whole, period)
    trained = resolve(case.spec).method.layers or 0
    missing = max(0, _BEFORE_TRAINED + trained - shallow)
    return min(whole, shallow + -(-missing // period) * period)


_BEFORE_TRAINED = 4


def _whole_trace(case: Case, depth: int, whole: int, period: int) -> Trace:
    """The trace with all layers: repeated from a shallow one where its layers are alike, else made whole."""
    trace = trace_steps(case, depth)
    if depth == whole:
        return trace
    try:
        return deepen(trace, depth, whole, period)
    except NotAlike:
        return trace_steps(case, whole)


def _loading(case: Case) -> loading.Loading:
    """How the trainer loads: into a packed base, or straight into the dtype of the policy."""
    spec = resolve(case.spec)
    names = policy.decide(spec, on_gpu=True, has_bf16=case.has_bf16)
    packed = {"nf4": loading.PACKED_4BIT, "fp4": loading.PACKED_4BIT, "int8": loading.PACKED_8BIT}
    return loading.Loading(
        itemsize=policy.ITEM_BYTES[names.load],
        warm_up=packed.get(spec.method.quantization or "", 0.0),
        adapter_itemsize=None if spec.method.quantization else policy.ITEM_BYTES[names.load],
    )


def _alive(trace: Trace, played: Replay) -> tuple[Storage, ...]:
    return trace.alive_after(played.peak_event) if played.peak_event >= 0 else ()


def _parts(trace: Trace, load: list[Event], played: Replay) -> dict[str, int]:
    """Bytes at the peak by what they are; what blocks hold beyond their tensors is workspace."""
    parts = dict.fromkeys(
        ("weights", "adapter", "gradients", "optimizer", "activations", "loss", "workspace"), 0
    )
    if played.peak_event < 0:
        return parts | {"weights": played.allocated}
    for storage in _alive(trace, played):
        parts[_part(trace, storage)] += storage.nbytes
    parts["workspace"] += played.allocated - sum(parts.values())
    return parts


def _part(trace: Trace, storage: Storage) -> str:
    category = trace.category(storage.id)
    if category in _OWN_PART:
        return category
    return "loss" if storage.phase in _LOSS_PHASES else "activations"


def _trained(trace: Trace) -> int:
    """Elements that move: those that the last step made a gradient for."""
    count = 0
    for storage, size in trace.events:
        if (storage, size) == (None, "forward"):
            count = 0
        elif storage is not None and size is not None and trace.category(storage) == "gradients":
            kind = trace.storages[storage].dtype
            count += 0 if kind is None else int(size) // kind.itemsize
    return count


def _composition(trace: Trace, played: Replay) -> list[dict[str, Any]]:
    """The largest kinds of tensors alive at the peak."""
    size: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for storage in _alive(trace, played):
        shape = "x".join(map(str, storage.shape)) if storage.shape else ""
        what = f"{_part(trace, storage)}: {storage.op} {shape}".rstrip()
        size[what] += storage.nbytes
        count[what] += 1
    return [
        {"what": what, "bytes": nbytes, "count": count[what]}
        for what, nbytes in size.most_common(LARGEST_SHOWN)
    ]
