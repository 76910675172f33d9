"""A trainer goes on elsewhere as it would have gone on here, all of it on the new device, and little comes back."""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from backends.engine import parcels
from backends.engine.parcels import pack, unpack
from backends.engine.trainer import Trainer
from tests.backends.clip.conftest import SMALL as SMALL_CLIP
from tests.backends.clip.conftest import shapes
from tests.backends.simclr.conftest import toy_pictures
from tests.conftest import topic_lines

STEPS = 12
TINY_LANGUAGE = {"corpus": "own", "batch": 16, "length": 16, "vocabulary": 512, "width": "64", "depth": 1}
TINY_MAE = {"patch": "8", "width": "48", "depth": 1, "decoder_width": "32", "decoder_depth": 1}


def of_pictures(path: str, config_path: str, **settings: Any) -> Trainer:
    config = pkgutil.resolve_name(config_path).parse({"data": "own", "steps": STEPS, "batch": 16, **settings})
    return pkgutil.resolve_name(path)(config, pictures=toy_pictures(60))


def of_text(name: str) -> Trainer:
    from backends.language.trio import TRAINERS
    from backends.language.trio_config import TrioConfig

    config = TrioConfig.parse({**TINY_LANGUAGE, "steps": STEPS})
    return TRAINERS[name](config.of(name), text=topic_lines(200))


def trio() -> Trainer:
    from backends.language.trio import TrioTrainer
    from backends.language.trio_config import TrioConfig

    return TrioTrainer(TrioConfig.parse({**TINY_LANGUAGE, "steps": STEPS}), text=topic_lines(200))


def clip() -> Trainer:
    from backends.clip.trainer import CLIPTrainer

    return CLIPTrainer(SMALL_CLIP.with_changes(steps=STEPS), pictures=shapes(4))


MADE = {
    "simclr": functools.partial(
        of_pictures, "backends.simclr.trainer:SimCLRTrainer", "backends.simclr.config:SimCLRConfig"
    ),
    "colour": functools.partial(
        of_pictures, "backends.simclr.experiments:ColourExperiment", "backends.simclr.config:SimCLRConfig"
    ),
    "mae": functools.partial(
        of_pictures, "backends.mae.trainer:MAETrainer", "backends.mae.config:MAEConfig", **TINY_MAE
    ),
    "ratios": functools.partial(
        of_pictures, "backends.mae.sweep:MaskRatioSweep", "backends.mae.config:MAEConfig", **TINY_MAE
    ),
    **{
        task: functools.partial(
            of_pictures,
            "backends.pretext.task_trainer:TaskTrainer",
            "backends.pretext.task_config:TaskConfig",
            task=task,
        )
        for task in ("rotation", "inpainting", "jigsaw")
    },
    "clip": clip,
    **{name: functools.partial(of_text, name) for name in ("bert", "t5", "gpt")},
    "trio": trio,
}


def portable_classes(kind: type[Trainer] = Trainer) -> Iterator[type[Trainer]]:
    """All that say so, but for the bases of others."""
    for each in kind.__subclasses__():
        yield from portable_classes(each)
        if each.portable and each.__module__.startswith("backends.") and not each.__subclasses__():
            yield each


def tensors(thing: Any, found: dict[int, Any] | None = None) -> list[torch.Tensor]:
    """All tensors that an object holds, in a fixed order."""
    found = {} if found is None else found
    if id(thing) in found:
        return []
    found[id(thing)] = thing
    if isinstance(thing, torch.Tensor):
        return [thing]
    inner: list[Any] = []
    if isinstance(thing, dict):
        inner = list(thing.values())
    elif isinstance(thing, list | tuple):
        inner = list(thing)
    elif not isinstance(thing, type | np.ndarray) and hasattr(thing, "__dict__"):
        inner = list(vars(thing).values())
    return [tensor for each in inner for tensor in tensors(each, found)]


@pytest.mark.parametrize("name", MADE)
def test_a_trainer_that_is_packed_after_each_slice_learns_the_same(name):
    here = MADE[name]()
    *_, last = here.steps()
    away, newest = unpack(pack(MADE[name]()), "cpu"), None
    while newest is None or not newest.done:
        newest = next(away.steps())
        away = unpack(pack(away), "cpu")
    assert newest.step == last.step
    assert newest.metrics.keys() == last.metrics.keys()
    assert next(iter(away.steps()), None) is None
    there = tensors(away)
    assert len(there) > 4
    for mine, other in zip(tensors(here), there, strict=True):
        torch.testing.assert_close(other, mine, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", MADE)
def test_all_of_it_is_on_the_device_where_it_is_put_together(name, monkeypatch):
    monkeypatch.setattr(parcels, "_generator", here_generator)  # there is no generator on "meta"
    trainer = MADE[name]()
    next(trainer.steps())
    there = unpack(pack(trainer), "meta")
    assert there.device == "meta"
    assert {tensor.device.type for tensor in tensors(there)} == {"meta"}
    assert {tensor.device.type for tensor in tensors(trainer)} == {"cpu"}


def here_generator(device: str, kind: str, state: np.ndarray) -> torch.Generator:
    return torch.Generator()


def test_every_trainer_that_says_it_is_portable_was_tried():
    made = [make() for make in MADE.values()]
    inside = [each for trainer in made for each in vars(trainer).values()]
    assert set(portable_classes()) <= {type(each) for each in (*made, *inside)}


def test_memory_that_was_shared_is_shared_again_and_nothing_else_is():
    weights = torch.arange(12.0).reshape(3, 4)
    twin = unpack(pack({"all": weights, "row": weights[1], "turned": weights.T, "other": weights.clone()}), "cpu")
    twin["all"][1] = 7
    assert twin["row"].tolist() == [7] * 4
    assert twin["turned"][:, 1].tolist() == [7] * 4
    assert twin["other"][1].tolist() == [4, 5, 6, 7]
    assert weights[1].tolist() == [4, 5, 6, 7]


def test_a_generator_goes_on_here_and_starts_anew_from_its_state_elsewhere(monkeypatch):
    here = torch.Generator().manual_seed(3)
    twin = unpack(pack(here), "cpu")
    assert torch.equal(torch.rand(5, generator=here), torch.rand(5, generator=twin))
    state = here.get_state().numpy()
    first, second = (parcels._generator("cpu", "cuda", state) for _ in range(2))
    assert torch.equal(torch.rand(5, generator=first), torch.rand(5, generator=second))
    torch.rand(1, generator=here)
    other = parcels._generator("cpu", "cuda", here.get_state().numpy())
    assert first.initial_seed() != other.initial_seed()


def test_what_did_not_change_is_sent_back_by_its_number():
    large = np.arange(1 << 16, dtype=np.uint8).repeat(4)
    sent = pack({"picture": large, "same": large.copy(), "weights": torch.ones(1 << 16), "small": np.arange(3)})
    there = unpack(sent, "cpu")
    there["weights"] += 1
    back = pack(there).against(sent.marks())
    moved = [held for held in back.memory if not isinstance(held, int)]
    assert sorted(held.nbytes for held in moved) == [24, 4 << 16]
    known = [held for held in back.memory if isinstance(held, int)]
    assert len(known) == len(set(known)) == 2
    here = unpack(back.filled(sent), "cpu")
    np.testing.assert_array_equal(here["picture"], large)
    assert here["weights"].unique().tolist() == [2]
    assert here["small"].tolist() == [0, 1, 2]
