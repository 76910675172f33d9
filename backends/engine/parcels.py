"""An object on its way to another process and another device, and back: a trainer with its nets, optimizer and data.

`pack` takes an object apart into its structure and the memory of its arrays and tensors; `unpack` puts it together on
a device. A `torch.device` and the `device` of our own objects are the new device there, and tensors that shared memory
share it again. What comes back is mostly what was sent, the pictures above all: memory that did not change is told by
its number alone (`Parcel.against`, `Parcel.filled`).

A parcel holds a pickle, so it is opened by this program's own processes only and never comes from a visitor or a file.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

WORTH_A_MARK = 1 << 16
"""Bytes; smaller memory is sent as it is."""


@dataclass(frozen=True)
class Parcel:
    """A packed object.

    Attributes:
        structure: the pickled object without its memory.
        memory: (bytes,) uint8 arrays, first those of tensors, then those of arrays; or numbers in the parcel which the
            receiver has sent.
        tensors: how many of them are of tensors.
    """

    structure: bytes
    memory: tuple[np.ndarray | int, ...]
    tensors: int

    def marks(self) -> dict[bytes, list[int]]:
        """Numbers of the memory that is worth a mark, by what it holds."""
        found: dict[bytes, list[int]] = {}
        for number, held in enumerate(self.memory):
            if isinstance(held, np.ndarray) and held.nbytes >= WORTH_A_MARK:
                found.setdefault(_mark(held), []).append(number)
        return found

    def against(self, marks: dict[bytes, list[int]]) -> Parcel:
        """The same with numbers where the receiver, whose parcel had these `marks`, has the memory already.

        Each number stands once at most: what holds the same by chance stays apart.
        """
        left = {mark: list(numbers) for mark, numbers in marks.items()}
        memory: list[np.ndarray | int] = []
        for held in self.memory:
            same = left.get(_mark(held), []) if isinstance(held, np.ndarray) and held.nbytes >= WORTH_A_MARK else []
            memory.append(same.pop(0) if same else held)
        return Parcel(self.structure, tuple(memory), self.tensors)

    def filled(self, sent: Parcel) -> Parcel:
        """The same with the memory of the parcel that was sent in place of its numbers."""
        memory = [sent.memory[held] if isinstance(held, int) else held for held in self.memory]
        return Parcel(self.structure, tuple(memory), self.tensors)


def pack(thing: Any) -> Parcel:
    """Take an object apart; its memory is copied where it lies on another device, and shared on the CPU.

    Raises:
        pickle.PicklingError, TypeError, AttributeError: something in it can't be pickled.
    """
    stream, arrays = io.BytesIO(), cast("list[pickle.PickleBuffer]", [])
    packer = _Packer(stream, protocol=5, buffer_callback=arrays.append)
    packer.dump(thing)
    memory = [*packer.tensors, *(np.frombuffer(each.raw(), np.uint8) for each in arrays)]
    return Parcel(stream.getvalue(), tuple(memory), len(packer.tensors))


def unpack(parcel: Parcel, device: str) -> Any:
    """Put a packed object together on a device, in memory of its own but for the arrays of `parcel`, which it shares.

    A random generator that comes from another kind of device starts anew from a seed that its state decides.
    """
    tensors = cast("Sequence[np.ndarray]", parcel.memory[: parcel.tensors])
    return _Unpacker(parcel.structure, tensors, parcel.memory[parcel.tensors :], device).load()


class _Device:
    """Stands in a structure for the device where it is put together."""


_HERE = _Device()


class _Packer(pickle.Pickler):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tensors: list[np.ndarray] = []
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []

    def persistent_id(self, obj: Any) -> Any:
        if obj is _HERE:
            return ("device",)
        if isinstance(obj, torch.device):
            return ("torch device",)
        if isinstance(obj, torch.UntypedStorage):
            return ("memory", self._number(obj))
        return None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, torch.Generator):
            return _generator, (_HERE, obj.device.type, obj.get_state().numpy())
        if type(obj) is torch.Tensor:
            place = (obj.storage_offset(), tuple(obj.shape), obj.stride())
            return _tensor, (obj.untyped_storage(), obj.dtype, obj.requires_grad, *place)
        kind = type(obj)
        if isinstance(obj, type) or not kind.__module__.startswith("backends."):
            return NotImplemented
        if not isinstance(getattr(obj, "__dict__", {}).get("device"), str):
            return NotImplemented
        made, args, state, *rest = obj.__reduce_ex__(5)
        return (made, args, {**state, "device": _HERE}, *rest)

    def _number(self, storage: torch.UntypedStorage) -> int:
        key = storage._cdata
        if key not in self._numbers:
            self._numbers[key] = len(self.tensors)
            self._alive.append(storage)
            self.tensors.append(torch.empty(0, dtype=torch.uint8).set_(storage.cpu()).numpy())
        return self._numbers[key]


class _Unpacker(pickle.Unpickler):
    def __init__(self, structure: bytes, tensors: Sequence[np.ndarray], arrays: Any, device: str) -> None:
        super().__init__(io.BytesIO(structure), buffers=arrays)
        self._tensors = tensors
        self._device = device
        self._storages: dict[int, torch.UntypedStorage] = {}

    def persistent_load(self, pid: Any) -> Any:
        what, *rest = pid
        if what == "device":
            return self._device
        if what == "torch device":
            return torch.device(self._device)
        (number,) = rest
        if number not in self._storages:
            there = torch.from_numpy(self._tensors[number].copy()).to(self._device)
            self._storages[number] = there.untyped_storage()
        return self._storages[number]


def _tensor(storage: torch.UntypedStorage, dtype: torch.dtype, learns: bool, *place: Any) -> torch.Tensor:
    return torch.empty(0, dtype=dtype, device=storage.device).set_(storage, *place).requires_grad_(learns)


def _generator(device: str, kind: str, state: np.ndarray) -> torch.Generator:
    made = torch.Generator(device)
    if made.device.type == kind:
        made.set_state(torch.from_numpy(state.copy()))
    else:
        made.manual_seed(int.from_bytes(_mark(state)[:7], "little"))
    return made


def _mark(held: np.ndarray) -> bytes:
    return hashlib.blake2b(held.data, digest_size=16).digest()
