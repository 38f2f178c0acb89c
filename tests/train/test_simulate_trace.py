"""Tracing, replaying and drawing lines, on real tensors of a CPU: no pretended device is needed for that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tui_ft.errors import TuiFtError
from tui_ft.train.simulate import shim
from tui_ft.train.simulate.allocator import MIB, OutOfMemory
from tui_ft.train.simulate.deepen import NotAlike, deepen, pattern_of, shallow_depth
from tui_ft.train.simulate.loading import Loading, load_events
from tui_ft.train.simulate.replay import minimum_capacity, replay
from tui_ft.train.simulate.tracing import Event, Resident, Storage, Trace, Tracer

pytestmark = pytest.mark.train


def traced() -> tuple[Trace, Tracer]:
    """A square matrix, its gradient, and a step on it."""
    weight = torch.zeros(512, 512, requires_grad=True)
    tracer = Tracer("cpu")
    tracer.register(weight, "weight", "weights")
    with tracer:
        tracer.mark("forward")
        loss = (weight * 2).sum()
        tracer.mark("backward")
        loss.backward()
        assert weight.grad is not None
        tracer.categorise(weight.grad, "gradients")
        del loss
        tracer.mark("step")
        weight.data.sub_(weight.grad)
    return tracer.trace(), tracer


def test_a_storage_knows_where_it_was_born_and_what_it_is() -> None:
    trace, _ = traced()
    weight, product = trace.storages[1], trace.storages[2]
    assert (weight.op, weight.phase, trace.category(1)) == ("weight", "load", "weights")
    assert (product.shape, product.dtype, product.nbytes) == ((512, 512), torch.float32, MIB)
    assert (product.op, product.phase, trace.category(product.id)) == ("aten::mul", "forward", "activations")
    assert trace.residents == (Resident(1, "weight", 512 * 512, is_packed=False, parts=()),)


def test_what_dies_is_recorded_and_views_are_no_births() -> None:
    tracer = Tracer("cpu")
    with tracer:
        first = torch.zeros(1024)
        view = first.view(32, 32).t()
        del first
        held = list(tracer.trace().events)
        del view
    assert held == [(1, 4096)]
    assert tracer.trace().events == ((1, 4096), (1, None))


def test_tied_weights_are_one_storage() -> None:
    tracer = Tracer("cpu")
    weight = torch.zeros(10)
    tracer.register(weight, "embedding", "weights")
    tracer.register(weight.view(2, 5), "head", "weights")
    assert [one.name for one in tracer.trace().residents] == ["embedding"]


def test_tensors_on_another_device_are_not_seen() -> None:
    tracer = Tracer("cuda")
    with tracer:
        torch.zeros(10)
    assert tracer.trace().events == ()


def test_the_peak_is_found_with_its_phase_and_its_composition() -> None:
    trace, _ = traced()
    found = replay(trace)
    alive = trace.alive_after(found.peak_event)
    assert sum(-(-storage.nbytes // 512) * 512 for storage in alive) == found.allocated
    assert found.peak_phase == "backward"
    assert {trace.category(storage.id) for storage in alive} >= {"weights", "gradients"}
    assert found.peak_of(["step"])[0] == 2 * MIB
    assert found.phases[0].left == MIB


def made(*events: Event, residents: tuple[Resident, ...] = ()) -> Trace:
    """A trace written by hand."""
    storages = {
        number: Storage(number, size, None, None, "op", "load")
        for number, size in events
        if isinstance(number, int) and isinstance(size, int)
    }
    categories = {one.id: "adapter" if "lora" in one.name else "weights" for one in residents}
    return Trace(tuple(events), storages, categories, residents, 0)


def test_the_least_capacity_is_found_between_allocated_and_reserved() -> None:
    trace = made((1, 40 * MIB), (1, None), (2, 60 * MIB), (2, None), (3, 20 * MIB))
    whole = replay(trace)
    assert (whole.allocated, whole.reserved) == (60 * MIB, 100 * MIB)
    assert minimum_capacity(trace) == 60 * MIB
    with pytest.raises(OutOfMemory):
        replay(trace, capacity=58 * MIB)


def test_a_warm_up_block_is_reserved_and_filled() -> None:
    parts = (Resident(1, "model.b", 10 * MIB, is_packed=False, parts=()),
             Resident(2, "model.a", 4 * MIB, is_packed=False, parts=()))  # fmt: skip
    trace = made((1, 20 * MIB), (2, 8 * MIB), residents=parts)
    events = load_events(trace, Loading(itemsize=2, warm_up=0.5))
    assert events == [(-1, 28 * MIB), (-1, None), (2, 8 * MIB), (1, 20 * MIB)]
    assert replay(trace, events).reserved == 28 * MIB
    assert replay(trace).reserved == 40 * MIB


def test_a_packed_weight_is_read_whole_first() -> None:
    packed = Resident(1, "model.q.weight", 8 * MIB, is_packed=True, parts=(2, 3))
    trace = made((1, 4 * MIB), (2, 512), (3, 64), residents=(packed,))
    events = load_events(trace, Loading(itemsize=2, warm_up=None))
    assert events == [(-1, 16 * MIB), (2, 512), (1, 4 * MIB), (3, 64), (-1, None)]
    assert replay(trace, events).phases[0].allocated == 20 * MIB + 1024


def test_an_int8_weight_is_there_twice_before_it_is_packed() -> None:
    packed = Resident(1, "model.q.weight", 8 * MIB, is_packed=True, parts=(2,))
    trace = made((1, 8 * MIB), (2, 512), residents=(packed,))
    events = load_events(trace, Loading(itemsize=2, warm_up=1.0))
    sizes = [(-1, 8 * MIB), (-1, None), (-2, 16 * MIB), (-3, 16 * MIB), (2, 512), (1, 8 * MIB)]
    assert events == [*sizes, (-3, None), (-2, None)]


def test_what_is_cast_to_fp32_is_read_in_16_bits_and_the_cache_is_emptied() -> None:
    norm = Resident(1, "model.norm.weight", 8 * MIB, is_packed=False, parts=())
    trace = made((1, 32 * MIB), residents=(norm,))
    events = load_events(trace, Loading(itemsize=2, warm_up=None, is_prepared=True))
    assert events == [(-1, 16 * MIB), (1, 32 * MIB), (-1, None), (None, None)]
    assert replay(trace, events).phases[-1].left == 32 * MIB


def test_an_adapter_is_laid_beside_the_base_and_cast() -> None:
    adapter = Resident(1, "base_model.model.q.lora_A.default.weight", MIB, is_packed=False, parts=())
    trace = made((1, 4 * MIB), residents=(adapter,))
    events = load_events(trace, Loading(itemsize=2, warm_up=None, adapter_itemsize=2))
    assert events == [(-1, 2 * MIB), (1, 4 * MIB), (-1, None)]


def test_weights_are_read_in_the_order_of_their_names() -> None:
    names = ("model.layers.10.a", "model.layers.9.b.base_layer.weight", "lm_head.weight", "model.layers.9.a")
    residents = tuple(
        Resident(n, f"base_model.model.{name}", 1, is_packed=False, parts=())
        for n, name in enumerate(names, 1)
    )
    trace = made(*((n, 2) for n in range(1, 5)), residents=residents)
    order = [number for number, _ in load_events(trace, Loading(itemsize=2, warm_up=None))]
    assert order == [3, 4, 2, 1]


@pytest.mark.parametrize(
    ("whole", "kinds", "expected"),
    [
        (32, ["full"], 5),
        (80, ["full"], 5),
        (5, ["full"], 5),
        (3, ["full"], 3),
        (26, ["sliding", "full"] * 13, 6),
        (27, (["sliding", "full"] * 14)[:27], 7),
        (34, (["sliding"] * 5 + ["full"]) * 5 + ["sliding"] * 4, 10),
        (7, list("abcdefg"), 7),
    ],
)
def test_the_shallow_model_ends_as_the_whole_one(whole: int, kinds: list[str], expected: int) -> None:
    period = pattern_of(kinds)
    layers = shallow_depth(whole, period)
    assert layers == expected
    assert (whole - layers) % period == 0


def test_a_pattern_is_the_shortest_that_repeats() -> None:
    assert [pattern_of(list(kinds)) for kinds in ("aaaa", "ababa", "abcab", "abca")] == [1, 2, 3, 3]


def stacked(layers: int, period: int = 1) -> Trace:
    """Weights, two steps of forward, checkpointed backward and optimizer of a model in miniature.

    Each layer takes the one before's output, keeps its own input, and frees it when its gradient is there;
    every `period`-th layer is wider than the others.
    """
    events: list[Event] = []
    storages: dict[int, Storage] = {}
    owners: dict[int, str] = {}
    residents: list[Resident] = []
    phase = "load"

    def mark(word: str) -> None:
        nonlocal phase
        phase = word
        events.append((None, word))

    def bear(size: int, op: str, place: tuple[int, int] | None = None) -> int:
        number = len(storages) + 1
        storages[number] = Storage(number, size, None, None, op, phase, place)
        events.append((number, size))
        return number

    def die(number: int) -> None:
        events.append((number, None))

    names = [f"model.layers.{layer}.weight" for layer in range(layers)]
    for name in ("model.embed.weight", *names, "lm_head.weight"):
        residents.append(Resident(bear(4096, name), name, 4096, is_packed=False, parts=()))
    states: list[int] = []
    gradients: dict[int, int] = {}
    for _ in range(2):
        mark("forward")
        for number in gradients.values():
            die(number)
        hidden = [bear(3000, "embedding")]
        for layer in range(layers):
            mark(f"layer {layer}")
            wide = bear(9000 if layer % period else 20000, "mlp")
            hidden.append(bear(3000, "add"))
            die(wide)
        mark("head")
        logits = bear(50000, "logits")
        mark("backward")
        gradient = bear(3000, "gradient")
        die(logits)
        for layer in reversed(range(layers)):
            mark(f"backward layer {layer}")
            die(hidden.pop())
            wide = bear(9000 if layer % period else 20000, "mlp")
            gradients[layer] = bear(4096, "weight gradient")
            following = bear(3000, "gradient")
            die(gradient)
            die(wide)
            gradient = following
        mark("optimizer")
        die(hidden.pop())
        die(gradient)
        if not states:
            for name in names:
                states.append(bear(4096, "zeros"))
                owners[states[-1]] = name
        norms = [bear(4, "norms", (index, layers)) for index in range(layers)]
        for number in norms:
            die(number)
        gradients = {layer: gradients[layer] for layer in range(layers)}
    mark("end")
    categories = dict.fromkeys(states, "optimizer")
    return Trace(tuple(events), storages, categories, tuple(residents), 0, owners)


@pytest.mark.parametrize(("whole", "period"), [(6, 1), (9, 1), (40, 1), (12, 2), (13, 2), (21, 3), (5, 1)])
def test_a_deepened_trace_is_that_of_the_deep_model(whole: int, period: int) -> None:
    layers = shallow_depth(whole, period)
    deep, real = deepen(stacked(layers, period), layers, whole, period), stacked(whole, period)
    assert deep.events == real.events
    places = {number: replace(storage, place=None) for number, storage in real.storages.items()}
    assert deep.storages == (places if whole > layers else real.storages)
    assert (deep.residents, deep.owners, deep.categories) == (real.residents, real.owners, real.categories)


def test_the_order_of_deaths_outside_layers_does_not_matter() -> None:
    trace = stacked(5)
    first = next(index for index, event in enumerate(trace.events) if event == (None, "forward"))
    second = trace.events.index((None, "forward"), first + 1)
    deaths = trace.events[second + 1 : second + 6]
    assert all(size is None for _, size in deaths)
    mixed = [deaths[index] for index in (3, 0, 4, 2, 1)]
    events = (*trace.events[: second + 1], *mixed, *trace.events[second + 6 :])
    assert deepen(replace(trace, events=events), 5, 9).events == stacked(9).events


def test_layers_that_are_not_alike_are_found_out() -> None:
    with pytest.raises(NotAlike):
        deepen(stacked(5, 2), 5, 9, 1)
    with pytest.raises(NotAlike, match="not enough"):
        deepen(stacked(4), 4, 9)


def test_the_library_must_come_before_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shim, "_loaded", [])
    if shim.has_cuda(Path(torch.__file__).parent):
        shim.load(tmp_path)
        assert list(tmp_path.iterdir()) == []
    else:
        with pytest.raises(RuntimeError, match="before"):
            shim.load(tmp_path)


def test_a_missing_compiler_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(TuiFtError, match=r"no C\+\+ compiler") as caught:
        shim.compiled(tmp_path, Path(torch.__file__).parent)
    assert "--exact" in caught.value.hint
    monkeypatch.setenv("CXX", "nothing")
    with pytest.raises(TuiFtError, match="named nothing"):
        shim.compiled(tmp_path, Path(torch.__file__).parent)


def test_a_compiler_that_fails_is_quoted_on_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\nprintf 'x: fatal error:\\t\\033[1mno header\\nmore\\n' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(TuiFtError, match=r"x: fatal error: \[1mno header\."):
        shim.compiled(tmp_path / "cache", Path(torch.__file__).parent)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_library_that_is_there_is_not_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(torch.__file__).parent
    (tmp_path / f"fake_cuda-{shim._key(folder)}.so").touch()
    monkeypatch.setenv("PATH", "")
    assert shim.compiled(tmp_path, folder).exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TuiFtError, match="cannot be written"):
        shim.compiled(tmp_path / "file" / "cache", Path(torch.__file__).parent)
