"""What CLIP trains on, and what it never sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backends.clip.pairs import (
    UNSEEN_ARTIST,
    UNSEEN_COMBINATIONS,
    UNSEEN_CONCEPTS,
    load_pairs,
    own_pairs,
    unseen_concepts,
)
from backends.data.emoji import load_index
from backends.data.pictures import Factor, PictureError, PictureSet


def test_the_artist_and_the_concepts_are_never_trained_on():
    pairs = load_pairs("emoji", 32)
    seen, artist, new = pairs.train, pairs.tests["unseen_artist"], pairs.tests["unseen_concepts"]
    assert len(load_index().concepts) == 1_567
    assert len(new.classes) == UNSEEN_CONCEPTS == 150
    assert len(seen.classes) == len(artist.classes) == 1_417
    assert set(seen.classes) == set(artist.classes)
    assert not set(new.classes) & set(seen.classes)
    assert not any(UNSEEN_ARTIST in name for name in seen.pictures.names)
    assert all(UNSEEN_ARTIST in name for name in artist.pictures.names)
    assert len(seen) == 3 * 1_417
    assert len(artist) == 1_417
    assert len(new) == 4 * 150


def test_no_held_out_concept_was_drawn_like_a_trained_one():
    groups = load_index().group_idx
    held_out = np.isin(np.arange(len(groups)), unseen_concepts())
    assert not set(groups[held_out]) & set(groups[~held_out])


def test_the_split_is_fixed():
    names = [load_index().concepts[i] for i in unseen_concepts()[:3]]
    assert names == [load_pairs("emoji", 32).tests["unseen_concepts"].classes[i] for i in range(3)]
    assert np.array_equal(unseen_concepts(), unseen_concepts())
    assert unseen_concepts().sum() == 128_207


def test_captions_name_what_the_picture_shows():
    pairs = load_pairs("emoji", 32)
    for i in (0, 1_000, 4_000):
        concept = pairs.train.classes[pairs.train.class_idx[i]]
        assert pairs.train.pictures.names[i].startswith(concept)
        assert all(concept in way for way in pairs.captions[i])
        assert pairs.captions[i][0] == concept


def test_apples_never_have_the_held_out_combinations():
    pairs = load_pairs("apples", 32)
    unseen = {f"a {colour} {shape} apple" for colour, shape in UNSEEN_COMBINATIONS}
    assert not unseen & {pairs.train.classes[i] for i in pairs.train.class_idx}
    assert {
        pairs.tests["unseen_combinations"].classes[i] for i in pairs.tests["unseen_combinations"].class_idx
    } == unseen
    assert not unseen & {pairs.tests["held_out"].classes[i] for i in pairs.tests["held_out"].class_idx}
    for colour, shape in UNSEEN_COMBINATIONS:  # each part of them is known from others
        seen = {pairs.train.classes[i] for i in np.unique(pairs.train.class_idx)}
        assert any(f" {colour} " in name for name in seen)
        assert any(f" {shape} apple" in name for name in seen)
    assert pairs.captions[5][0] == pairs.train.classes[pairs.train.class_idx[5]]


def own(names: list[str]) -> PictureSet:
    classes = tuple(dict.fromkeys(names))
    values = np.array([classes.index(name) for name in names])
    images = np.random.default_rng(0).integers(0, 255, (len(names), 40, 40, 3)).astype(np.uint8)
    folder = {"folder": Factor("folder", "Folder", classes, values)}
    return PictureSet("own", images, folder, tuple(names), "a visitor", "unknown")


def test_own_pictures_are_captioned_by_their_folders():
    pairs = own_pairs(own(["red cup", "blue cup"] * 10), 32)
    assert len(pairs.train) == 16
    assert len(pairs.tests["held_out"]) == 4
    assert set(pairs.train.classes) == {"red cup", "blue cup"}
    with pytest.raises(PictureError, match="same caption"):
        own_pairs(own(["cup"] * 10), 32)
    with pytest.raises(PictureError, match="No pictures of your own"):
        load_pairs("own", 32)


def captioned(captions: list[tuple[str, ...]]) -> PictureSet:
    """Pictures in one folder, as they are with a captions.csv; picture i is told by its first pixel."""
    pictures = replace(own(["mine"] * len(captions)), captions=tuple(captions))
    pictures.images[:, 0, 0, 0] = np.arange(len(captions))
    return pictures


def shown(pictures: PictureSet) -> list[int]:
    return pictures.images[:, 0, 0, 0].tolist()


def test_captions_of_ones_own_go_before_the_folders_names_and_stay_with_their_pictures():
    given = [(f"thing {i % 10}", *(f"way {k} of {i}" for k in range(i % 3))) for i in range(20)]
    pairs = own_pairs(captioned(given), 40)
    assert len(pairs.train) == 16
    assert len(pairs.tests["held_out"]) == 4
    assert sorted(shown(pairs.train.pictures) + shown(pairs.tests["held_out"].pictures)) == list(range(20))
    for part in pairs.every:
        named = [part.classes[i] for i in part.class_idx]
        assert named == [given[i][0] for i in shown(part.pictures)]
        assert set(part.classes) == set(named)
    assert len(pairs.captions) == 16
    for ways, i in zip(pairs.captions, shown(pairs.train.pictures), strict=True):
        assert set(ways) == set(given[i])
        assert ways[: len(given[i])] == given[i]


def test_every_picture_has_as_many_captions_and_they_repeat_in_their_order():
    given = [("a", "b", "c"), ("d",), ("e", "f")] * 5
    pairs = own_pairs(captioned(given), 40)
    assert set(pairs.captions) == {("a", "b", "c"), ("d", "d", "d"), ("e", "f", "e")}
    assert own_pairs(captioned([("a",), ("b",)] * 5), 40).captions[0] in {("a",), ("b",)}
    many = own_pairs(captioned([tuple("abcdef"), ("g",)] * 5), 40)
    assert set(many.captions) == {tuple("abcd"), tuple("gggg")}
    assert many.templates == ("{}", "a picture of {}")


def test_pictures_without_a_caption_are_not_used():
    given = [("a cup",), (), ("a plate",), ()] * 5
    pairs = own_pairs(captioned(given), 40)
    used = shown(pairs.train.pictures) + shown(pairs.tests["held_out"].pictures)
    assert sorted(used) == list(range(0, 20, 2))
    assert set(pairs.train.classes) == {"a cup", "a plate"}


def test_a_caption_with_braces_or_html_is_only_text():
    attack = "{0.__class__} <img src=x onerror=alert(1)> {}"
    pairs = own_pairs(captioned([(attack,), ("a cup",)] * 5), 40)
    assert (attack,) in pairs.captions
    assert attack in pairs.train.classes


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([("a cup", f"way {i}") for i in range(8)], "same caption"),
        ([()] * 8, "caption: 0. Bring at least 4"),
        ([("a cup",), *[()] * 7], "caption: 1. Bring at least 4"),
    ],
)
def test_captions_that_are_all_the_same_or_too_few_are_refused(given, said):
    with pytest.raises(PictureError, match=said):
        own_pairs(captioned(given), 40)


def test_names_are_put_in_two_ways_where_there_are_no_captions():
    pairs = own_pairs(own(["red cup", "blue cup"] * 10), 32)
    assert set(pairs.captions) == {(name, f"a picture of {name}") for name in ("red cup", "blue cup")}


def test_copies_of_a_picture_are_held_out_together():
    """One of two equal pictures in training would make the test a memory test."""
    images = np.stack([np.full((32, 32, 3), 10 * (i // 2), np.uint8) for i in range(40)])
    names = tuple(f"picture {i // 2}" for i in range(40))
    made = PictureSet("own", images, {}, names, "made for a test", "none", groups=np.arange(40) // 2)
    pairs = own_pairs(made, 32)
    trained = {image.tobytes() for image in pairs.train.pictures.images}
    assert len(pairs.tests["held_out"]) == 8
    assert not trained & {image.tobytes() for image in pairs.tests["held_out"].pictures.images}
