"""Which pictures are trained on and which are held out: never the same, always the same ones."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from backends.data import splits
from backends.data.pictures import PictureError, PictureSet
from backends.data.splits import Split, at_training_size, load_split
from tests.backends.simclr.conftest import toy_pictures

TRAINING, HELD_OUT = 60, 20


@pytest.fixture
def few(monkeypatch):
    """Fewer apples, and nothing left of them afterwards."""
    monkeypatch.setattr(splits, "TRAINING_APPLES", TRAINING)
    monkeypatch.setattr(splits, "HELD_OUT_APPLES", HELD_OUT)
    splits._built_in.cache_clear()
    yield
    splits._built_in.cache_clear()


@pytest.fixture
def few_emoji(few, monkeypatch):
    """Toys in place of the emoji: each thing drawn four times, as those are."""
    from backends.data import emoji

    things = replace(toy_pictures(80, size=64), name="emoji", groups=np.repeat(np.arange(20), 4), notes=("Drawn.",))
    monkeypatch.setattr(emoji, "load_emoji", lambda: things)


def seen_twice(split: Split) -> bool:
    trained_on = {image.tobytes() for image in split.train.images}
    return any(image.tobytes() in trained_on for image in split.held_out.images)


def test_apples_are_drawn_once_and_no_held_out_one_is_trained_on(few):
    split = load_split("apples", 32)
    assert (len(split.train), len(split.held_out)) == (TRAINING, HELD_OUT)
    assert split.train.images.shape == (TRAINING, 32, 32, 3)
    assert not seen_twice(split)
    assert load_split("apples", 32) is split
    assert load_split("apples", 48).train.size == 48


def test_two_first_visitors_share_one_drawing(few, monkeypatch):
    from backends.data import apples

    drawn, draw = [], apples.apple_pictures
    monkeypatch.setattr(apples, "apple_pictures", lambda *args: drawn.append(args) or draw(*args))
    found: list[Split] = []
    threads = [threading.Thread(target=lambda: found.append(load_split("apples", 32))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) == 2
    assert found[0] is found[1] is found[2]


def test_a_shortcut_is_in_the_training_apples_alone(few):
    plain, coloured = load_split("apples", 32), load_split("apples", 32, shortcut="colour")
    assert not np.array_equal(plain.train.images, coloured.train.images)
    np.testing.assert_array_equal(plain.held_out.images, coloured.held_out.images)


def test_no_emoji_stands_on_both_sides_in_another_artists_drawing(few_emoji):
    split = load_split("emoji", 32)
    assert (len(split.train), len(split.held_out)) == (64, 16)
    assert split.train.size == split.held_out.size == 32
    assert not set(split.train.groups) & set(split.held_out.groups)


def test_both_are_all_of_both_and_which_of_the_two_is_the_one_factor(few_emoji):
    both, apples, emoji = (load_split(data, 32) for data in ("both", "apples", "emoji"))
    for side in ("train", "held_out"):
        joined, first, second = (getattr(split, side) for split in (both, apples, emoji))
        np.testing.assert_array_equal(joined.images, np.concatenate([first.images, second.images]))
        assert joined.names == first.names + second.names
        assert list(joined.factors) == ["kind"]
        assert joined.factors["kind"].classes == ("apple", "emoji")
        np.testing.assert_array_equal(joined.factors["kind"].values, [0] * len(first) + [1] * len(second))
        assert joined.notes == first.notes + second.notes
        assert first.licence in joined.licence
        assert second.licence in joined.licence
        assert first.source.rstrip(".") in joined.source
    assert not set(both.train.groups[TRAINING:]) & set(both.held_out.groups[HELD_OUT:])
    assert len(set(both.train.groups[:TRAINING]) & set(both.train.groups[TRAINING:])) == 0


def test_both_are_drawn_anew_in_the_order_that_is_asked_for(few_emoji):
    both, apples, emoji = (load_split(data, 32).held_out for data in ("both", "apples", "emoji"))
    asked = [HELD_OUT + 3, 0, HELD_OUT, 7]
    drawn = both.at_size(asked, 96)
    assert drawn.shape == (4, 96, 96, 3)
    np.testing.assert_array_equal(drawn[[0, 2]], emoji.at_size([3, 0], 96))
    np.testing.assert_array_equal(drawn[[1, 3]], apples.at_size([0, 7], 96))
    assert both.at_size([], 96).shape == (0, 96, 96, 3)
    np.testing.assert_array_equal(both.subset([HELD_OUT + 1, 2]).at_size([0], 96), emoji.at_size([1], 96))


def test_own_pictures_are_split_the_same_way_every_time_and_brought_to_size():
    pictures = toy_pictures(50, size=64)
    split = load_split("own", 32, pictures)
    assert (len(split.train), len(split.held_out)) == (40, 10)
    assert split.train.images.shape == (40, 32, 32, 3)
    assert set(split.train.names) | set(split.held_out.names) == set(pictures.names)
    assert not seen_twice(split)
    again = load_split("own", 32, toy_pictures(50, size=64))
    assert again.held_out.names == split.held_out.names
    for name, factor in split.held_out.factors.items():
        by_name = dict(zip(pictures.names, pictures.factors[name].values, strict=True))
        assert [by_name[picture] for picture in split.held_out.names] == factor.values.tolist()


def test_own_pictures_are_asked_for_and_one_is_too_few():
    with pytest.raises(PictureError, match=r"choose a \.zip of folders, or pick apples or emoji\."):
        load_split("own", 32)
    with pytest.raises(PictureError, match="too few pictures to hold some out"):
        load_split("own", 32, toy_pictures(1))


def test_own_pictures_are_ignored_where_built_in_ones_are_asked_for(few):
    assert load_split("apples", 32, toy_pictures(20)) is load_split("apples", 32)


def test_smaller_pictures_are_still_shown_as_large_as_they_came():
    large = toy_pictures(6, size=64)
    small = at_training_size(large, 32)
    assert small.images.shape == (6, 32, 32, 3)
    np.testing.assert_array_equal(small.at_size([4, 1], 64), large.images[[4, 1]])
    np.testing.assert_array_equal(small.subset([5, 2]).at_size([1], 64), large.images[[2]])
    assert at_training_size(large, 64) is large


def test_a_large_set_is_brought_to_size_by_area():
    flat = np.zeros((1, 64, 64, 3), np.uint8)
    flat[:, ::2] = 200
    pictures = PictureSet("own", flat, {}, ("stripes",), "made for a test", "none")
    assert (at_training_size(pictures, 32).images == 100).all()
