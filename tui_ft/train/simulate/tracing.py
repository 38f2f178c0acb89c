"""Records the birth and death of every storage on a device while real library code runs."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode

from tui_ft.train.simulate.quantized import elements_of, statistics_of
from tui_ft.train.simulate.temporaries import TEMPORARIES, uses_cublas

Event = tuple[int | None, int | str | None]
"""(id, bytes): a storage is born; (id, None): it dies; (None, word): a mark."""

CUBLAS_WORKSPACE = 8519680
"""Bytes of cuBLAS's workspace, ":4096:2:16:8" in aten/src/ATen/cuda/CublasHandlePool.cpp: 8.125 MiB."""

HOPPER_CUBLAS_WORKSPACE = 4096 * 8 * 1024
"""The same on compute capability 9.0 and above, ":4096:8" there."""

BEFORE = "load"
"""The phase of what was there before anything ran."""

_NO_OPERATORS = (torch.ops.prim.device.default,)


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage as it was born; `shape` and `dtype` are those of the tensor that bore it.

    `place` is its index among the outputs of an operator that has a list of them, with their number.
    """

    id: int
    nbytes: int
    shape: tuple[int, ...] | None
    dtype: torch.dtype | None
    op: str
    phase: str
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Resident:
    """A weight that was there before the trace: `parts` are the ids of its quantisation's statistics.

    `elements` are those that it stands for, whatever it is packed in.
    """

    id: int
    name: str
    elements: int
    is_packed: bool
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Trace:
    """What happened, in order, to which storages; `residents` in the order in which they were registered.

    `owners` names the parameter that a storage belongs to, where that was told.
    """

    events: tuple[Event, ...]
    storages: Mapping[int, Storage]
    categories: Mapping[int, str]
    residents: tuple[Resident, ...]
    operators: int
    owners: Mapping[int, str] = field(default_factory=dict)

    def category(self, storage: int) -> str:
        """The category that was given to a storage; "activations" where none was."""
        return self.categories.get(storage, "activations")

    def alive_after(self, index: int) -> tuple[Storage, ...]:
        """The storages alive after event `index`, in the order of their births."""
        alive: dict[int, None] = {}
        for storage, size in self.events[: index + 1]:
            if storage is None:
                continue
            if size is None:
                alive.pop(storage, None)
            else:
                alive[storage] = None
        return tuple(self.storages[storage] for storage in alive)


class Tracer(TorchDispatchMode):
    """Watches the storages on `device_type`, of fake tensors and of real ones.

    An operator's output whose storage was not seen before is born; a weak reference tells of its death.
    Views and in-place operators create nothing by construction. What a CUDA kernel allocates inside
    (`TEMPORARIES`) and cuBLAS's workspaces, one a thread that multiplies, are added on "cuda" alone.
    """

    def __init__(self, device_type: str = "cuda", *, cublas_workspace: int = CUBLAS_WORKSPACE) -> None:
        super().__init__()
        self.phase = BEFORE
        self._device_type = device_type
        self._is_cuda = device_type == "cuda"
        self._workspace = cublas_workspace
        self._has_workspace = {True: False, False: False}
        self._live: dict[int, tuple[int, weakref.ref[Any]]] = {}
        self._events: list[Event] = []
        self._storages: dict[int, Storage] = {}
        self._categories: dict[int, str] = {}
        self._owners: dict[int, str] = {}
        self._residents: list[Resident] = []
        self._operators = 0

    def trace(self) -> Trace:
        """Everything up to now; what dies later does not change it."""
        return Trace(
            events=tuple(self._events),
            storages=dict(self._storages),
            categories=dict(self._categories),
            residents=tuple(self._residents),
            operators=self._operators,
            owners=dict(self._owners),
        )

    def mark(self, phase: str) -> None:
        """A phase begins."""
        self._events.append((None, phase))
        self.phase = phase

    def register(self, tensor: torch.Tensor, name: str, category: str) -> None:
        """Tell of a weight or buffer that is there already, with what its quantisation keeps beside it."""
        if _device_type(tensor) != self._device_type:
            return
        before = self.id_of(tensor)
        found = self._born(tensor, name)
        if found is None or before is not None:  # tied weights are one storage
            return
        self._categories[found] = category
        parts = []
        for part in statistics_of(tensor):
            number = self._born(part, f"{name} statistics")
            if number is not None:
                self._categories[number] = category
                parts.append(number)
        elements = elements_of(tensor)
        self._residents.append(
            Resident(
                found, name, elements, is_packed=elements != tensor.numel() or bool(parts), parts=tuple(parts)
            )
        )

    def categorise(self, tensor: torch.Tensor, category: str, owner: str | None = None) -> None:
        """Give the living storage of `tensor` a category, and the name of the parameter that it serves."""
        for one in (tensor, *statistics_of(tensor)):
            found = self.id_of(one)
            if found is not None:
                self._categories[found] = category
                if owner is not None:
                    self._owners[found] = owner

    def id_of(self, tensor: torch.Tensor) -> int | None:
        """The id of the living storage of `tensor`; None if it was never seen."""
        entry = self._live.get(tensor.untyped_storage()._cdata)
        return None if entry is None else entry[0]

    def allocate(self, nbytes: int, op: str, category: str) -> int:
        """Book memory that no tensor shows; it lives until `release`."""
        number = len(self._storages) + 1
        self._book(Storage(number, nbytes, None, None, op, self.phase))
        self._categories[number] = category
        return number

    def release(self, storage: int) -> None:
        """Free what `allocate` booked."""
        self._events.append((storage, None))

    def book_workspace(self) -> None:
        """A matrix is multiplied: cuBLAS's handle belongs to a thread, and each has one workspace.

        There is one thread for the forward pass and one of autograd's.
        """
        is_backward = torch._C._current_graph_task_id() != -1
        if not self._has_workspace[is_backward] and self._workspace:
            self._has_workspace[is_backward] = True
            self.allocate(self._workspace, "cuBLAS workspace", "workspace")

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _NO_OPERATORS:
            return func(*args, **kwargs)
        self._operators += 1
        name = func._schema.name
        before = self._inside(name, args, kwargs) if self._is_cuda else ()
        output = func(*args, **kwargs)
        tensors = _tensors(output)
        several = len(tensors) > 1
        for index, tensor in enumerate(tensors):
            if _device_type(tensor) == self._device_type:
                self._born(tensor, name, (index, len(tensors)) if several else None)
        for storage in before:
            self.release(storage)
        if self._is_cuda:
            self._after(name, args, kwargs)
        return output

    def _inside(self, name: str, args: Any, kwargs: Any) -> Iterable[int]:
        """Book what the kernel of `name` allocates before its output."""
        if uses_cublas(name):
            self.book_workspace()
        known = TEMPORARIES.get(name)
        if known is None or not known.before_output:
            return ()
        return [self.allocate(nbytes, label, "temporary") for label, nbytes in known.sizes(args, kwargs)]

    def _after(self, name: str, args: Any, kwargs: Any) -> None:
        """Book and free what the kernel of `name` allocates when its output is there."""
        known = TEMPORARIES.get(name)
        if known is not None and not known.before_output:
            made = [self.allocate(nbytes, label, "temporary") for label, nbytes in known.sizes(args, kwargs)]
            for storage in made:
                self.release(storage)

    def _born(self, tensor: torch.Tensor, op: str, place: tuple[int, int] | None = None) -> int | None:
        storage = tensor.untyped_storage()
        key, nbytes = storage._cdata, storage.nbytes()
        if key in self._live or nbytes == 0:
            return None if nbytes == 0 else self._live[key][0]
        number = len(self._storages) + 1
        self._book(Storage(number, nbytes, tuple(tensor.shape), tensor.dtype, op, self.phase, place))
        self._live[key] = (number, weakref.ref(storage, self._death_of(key, number)))
        return number

    def _death_of(self, key: int, number: int) -> Callable[[Any], None]:
        def died(_: Any) -> None:
            entry = self._live.get(key)
            if entry is not None and entry[0] == number:  # a newer storage may live at the same address
                del self._live[key]
                self._events.append((number, None))

        return died

    def _book(self, storage: Storage) -> None:
        self._storages[storage.id] = storage
        self._events.append((storage.id, storage.nbytes))


def _device_type(tensor: torch.Tensor) -> str:
    return str(tensor.fake_device.type if isinstance(tensor, FakeTensor) else tensor.device.type)


def _tensors(output: Any) -> Sequence[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        return (output,)
    if not isinstance(output, (list, tuple)):
        return ()
    return [tensor for one in output for tensor in _tensors(one)]
