from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from backends.mae.config import MAEConfig
from backends.mae.model import MaskedAutoencoder
from backends.nets.frozen import frozen_copy


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.LazyLinear(2))


def test_it_answers_as_the_net_did_whatever_the_net_learns_later():
    model = net()
    pictures = torch.randn(8, 3, 8, 8)
    model(pictures)
    frozen = frozen_copy(model)
    wanted = copy.deepcopy(model).eval()(pictures)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(pictures).square().sum().backward()
        optimizer.step()
    assert torch.equal(frozen(pictures), wanted), "running statistics and weights are its own"
    assert not torch.equal(model.eval()(pictures), wanted)


def test_it_is_in_evaluation_mode_and_the_net_stays_in_training():
    model = net()
    model(torch.randn(2, 3, 8, 8))
    frozen = frozen_copy(model)
    assert not any(part.training for part in frozen.modules())
    assert all(part.training for part in model.modules())
    assert not any(value.requires_grad for value in frozen.parameters())
    assert all(value.requires_grad for value in model.parameters())


def test_every_tensor_is_there_under_its_name():
    model = MaskedAutoencoder(MAEConfig())
    frozen = frozen_copy(model)
    assert type(frozen) is MaskedAutoencoder
    assert frozen.state_dict().keys() == model.state_dict().keys()
    storages = {value.data_ptr() for value in (*model.parameters(), *model.buffers())}
    assert not storages & {value.data_ptr() for value in (*frozen.parameters(), *frozen.buffers())}


def test_a_recurrent_layer_is_refused():
    with pytest.raises(TypeError, match="deepcopy"):
        frozen_copy(nn.Sequential(nn.LSTM(4, 4)))
