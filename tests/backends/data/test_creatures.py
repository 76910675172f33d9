"""Creatures: the same from the same seed, smooth at every size, individuals of one species alike in what is theirs."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from backends.data.creatures import (
    Individuals,
    Species,
    creature_pictures,
    draw_individuals,
    draw_species,
    render,
    render_bytes,
    take,
)
from backends.data.painting import PIXELS_PER_CHUNK


def some(count: int, seed: int = 5):
    return draw_species(count, seed), draw_individuals(count, seed + 1)


def test_the_same_seed_draws_the_same_pictures_and_another_seed_others():
    first, again, other = (render_bytes(*some(6, seed), 32) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_drawing_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    render(*some(2), 16)
    assert torch.equal(before, torch.get_rng_state())


def test_pictures_are_in_range_and_of_the_asked_size():
    pictures = render(*some(40), 24)
    assert pictures.shape == (40, 3, 24, 24)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert torch.isfinite(pictures).all()


def test_a_large_picture_made_smaller_is_the_small_one():
    """Smooth edges: without them whole pixels would differ."""
    species, who = some(24)
    small = render(species, who, 32)
    large = torch.nn.functional.avg_pool2d(render(species, who, 128), 4)
    assert (small - large).abs().mean() < 0.012
    assert ((small - large).abs().amax(dim=1) > 0.25).float().mean() < 0.01


def test_chunks_make_no_difference(monkeypatch):
    species, who = some(7)
    whole = render_bytes(species, who, 32)
    monkeypatch.setitem(PIXELS_PER_CHUNK, "cpu", 2 * 32**2)
    assert np.array_equal(whole, render_bytes(species, who, 32))


def test_individuals_of_a_species_share_its_colours_and_differ_in_every_picture():
    species = take(draw_species(8, 3), torch.arange(8).repeat_interleave(10))
    pictures = render(species, draw_individuals(80, 4), 48)
    middle = pictures[:, :, 20:28, 20:28].mean(dim=(2, 3)).reshape(8, 10, 3)
    within = middle.var(dim=1).mean()
    between = middle.mean(dim=1).var(dim=0).mean()
    assert between > 1.5 * within
    flat = pictures.flatten(1)
    assert torch.cdist(flat, flat).fill_diagonal_(9).min() > 1


@pytest.mark.parametrize("name", [field.name for kind in (Species, Individuals) for field in fields(kind)])
def test_every_column_shows(name):
    """A number that no picture shows would make species, or individuals, that only the data can tell apart."""
    species, who = some(40)
    others = {**vars(draw_species(40, 99)), **vars(draw_individuals(40, 99))}
    before = render(species, who, 32)
    every = torch.arange(40)
    for place in range(others[name][0].numel()):
        changed = [take(species, every), take(who, every)]
        (column,) = [getattr(part, name) for part in changed if hasattr(part, name)]
        column.flatten(1)[:, place] = others[name].flatten(1)[:, place]
        shown = (render(*changed, 32) - before).abs().amax(dim=(1, 2, 3)) > 0.02
        assert shown.float().mean() > 0.15, place


@pytest.mark.parametrize("size", [0, -1, 513])
def test_a_size_out_of_range_is_refused(size):
    with pytest.raises(ValueError, match="1 to 512 pixels"):
        render(*some(1), size)


def test_as_many_individuals_as_species_are_needed():
    with pytest.raises(ValueError, match="3 individuals"):
        render(draw_species(2, 1), draw_individuals(3, 1), 16)


def test_a_set_of_pictures_knows_the_species_of_each_and_draws_them_anew():
    pictures = creature_pictures(draw_species(5, 1), 3, 2, 16)
    assert len(pictures) == 15
    assert np.array_equal(pictures.factors["species"].values, np.repeat(np.arange(5), 3))
    assert np.array_equal(pictures.at_size([4, 9], 16), pictures.images[[4, 9]])
    assert pictures.subset([9]).at_size([0], 40).shape == (1, 40, 40, 3)
