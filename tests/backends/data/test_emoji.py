from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from backends.data import emoji, emoji_build
from backends.data.emoji import composite, load_emoji, load_index, load_sprites
from backends.data.emoji_build import ARTISTS, build, category_of, concept_name, groups_of, rasterise, svg_of
from backends.data.pictures import PictureError

NAMES = ("Noto", "Twemoji", "Fluent Flat", "OpenMoji")
LICENCES = ("Apache-2.0", "CC BY 4.0", "MIT", "CC BY-SA 4.0")
CONCEPTS = 1_567


# What is shipped


def test_four_artists_drew_every_concept_and_all_of_it_is_shipped():
    index = load_index()
    assert index.artist_names == NAMES
    assert len(index.concepts) == len(set(index.concepts)) == CONCEPTS
    assert tuple(artist.licence for artist in index.artists) == LICENCES
    files = {path.name: path.stat().st_size for path in emoji.FOLDER.iterdir()}
    assert set(files) == {"emoji.json", "LICENCES.md", *(artist.sheet for artist in index.artists)}
    assert sum(files.values()) < 8_000_000


@pytest.mark.parametrize("artist", NAMES)
def test_every_sprite_shows_something_with_soft_edges_on_a_clear_ground(artist):
    sprites = load_sprites(artist)
    assert sprites.shape == (CONCEPTS, 64, 64, 4)
    assert sprites.dtype == np.uint8
    alpha = sprites[..., 3].reshape(CONCEPTS, -1)
    assert ((alpha > 128).mean(1) > 0.02).all()
    assert (alpha.min(1) == 0).mean() > 0.95
    assert (((alpha > 0) & (alpha < 255)).any(1)).mean() > 0.95
    assert not sprites[sprites[..., 3] == 0].any()


def test_a_concept_is_the_same_thing_with_all_artists():
    """Of another artist's drawings the nearest is far more often the same concept than by chance, 1 in 1,567."""
    looks = []
    for position in range(len(NAMES)):
        small = load_emoji(16).images[position :: len(NAMES)].reshape(CONCEPTS, -1).astype(np.float32)
        small -= small.mean(1, keepdims=True)
        looks.append(small / (np.linalg.norm(small, axis=1, keepdims=True) + 1e-6))
    for other in looks[1:]:
        likeness = other @ looks[0].T
        itself = np.diag(likeness)
        assert (likeness.argmax(1) == np.arange(CONCEPTS)).mean() > 0.03
        assert (itself > np.median(likeness, axis=1)).mean() > 0.7


def test_categories_are_unicodes_and_plausible():
    index = load_index()
    assert index.categories == emoji.CATEGORIES
    category = {name: index.categories[idx] for name, idx in zip(index.concepts, index.category_idx, strict=True)}
    known = {
        "grinning face": "Smileys & Emotion",
        "hugging face": "Smileys & Emotion",
        "woman cook": "People & Body",
        "mushroom": "Animals & Nature",
        "red apple": "Food & Drink",
        "green apple": "Food & Drink",
        "airplane": "Travel & Places",
        "soccer ball": "Activities",
        "bomb": "Objects",
        "red heart": "Smileys & Emotion",
        "libra": "Symbols",
        "chequered flag": "Flags",
    }
    assert {name: category[name] for name in known} == known
    counts = np.bincount(index.category_idx, minlength=len(emoji.CATEGORIES))
    assert counts.min() == counts[emoji.CATEGORIES.index("Flags")] == 8
    assert emoji.CATEGORIES[counts.argmax()] == "People & Body"


def test_source_and_licence_name_all_four_artists():
    pictures = load_emoji()
    artists = load_index().artists
    notice = (emoji.FOLDER / "LICENCES.md").read_text(encoding="utf-8")
    for artist in artists:
        assert f"{artist.name}: {artist.licence}" in pictures.licence
        for text in (artist.name, artist.author, artist.url, artist.version):
            assert text in pictures.source
            assert text in notice
        assert f"{artist.package} {artist.version}" in notice
    for text in ("rasterised", "Copyright (c) Microsoft Corporation", "Permission is hereby granted", "by-sa/4.0"):
        assert text in notice
    assert "OpenMoji" not in load_emoji(artists=["Noto"]).licence


# The set of pictures


def test_the_drawings_of_a_concept_stand_side_by_side_and_are_named():
    pictures = load_emoji()
    assert pictures.images.shape == (4 * CONCEPTS, 64, 64, 3)
    assert set(pictures.factors) == {"category", "artist"}
    apple = pictures.names.index("red apple (Noto)")
    assert pictures.names[apple : apple + 4] == tuple(f"red apple ({name})" for name in NAMES)
    assert pictures.factors["artist"].classes == NAMES
    assert pictures.factors["artist"].values[apple : apple + 4].tolist() == [0, 1, 2, 3]
    assert len(set(pictures.factors["category"].values[apple : apple + 4])) == 1
    concept = load_index().concepts.index("red apple")
    for i, name in enumerate(NAMES):
        assert np.array_equal(pictures.images[apple + i], composite(load_sprites(name)[[concept]])[0])
        red, green, blue = pictures.images[apple + i, 20:50, 20:50].reshape(-1, 3).mean(0)
        assert red > green + 40
        assert red > blue + 40


def test_a_split_keeps_every_concept_and_every_drawing_on_one_side():
    pictures = load_emoji()
    train, held_out = pictures.split(0.3, seed=1)
    assert len(train) + len(held_out) == len(pictures)
    assert abs(len(held_out) / len(pictures) - 0.3) < 0.02
    concepts = [{name.rsplit(" (", 1)[0] for name in side.names} for side in (train, held_out)]
    assert not concepts[0] & concepts[1]
    drawings = [{image.tobytes() for image in side.images} for side in (train, held_out)]
    assert not drawings[0] & drawings[1]


def test_smaller_pictures_are_means_over_areas_and_are_still_shown_sharp():
    large, small = load_emoji(64), load_emoji(32)
    some = np.arange(0, len(large), 97)
    means = large.images[some].reshape(len(some), 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(small.images[some] - means).max() <= 1
    assert np.array_equal(small.at_size(some, 64), large.images[some])
    assert small.at_size(some, 128).shape == (len(some), 128, 128, 3)
    assert small.at_size([], 128).shape == (0, 128, 128, 3)
    assert np.array_equal(small.subset(some).at_size([3], 64)[0], large.images[some[3]])
    assert load_emoji(48, ["Noto"]).images.shape == (CONCEPTS, 48, 48, 3)


@pytest.mark.parametrize("background", [0, 100, 255])
def test_the_background_shows_where_the_sprite_is_clear(background):
    sprites = load_sprites("Fluent Flat")[::50].astype(float)
    alpha = sprites[..., 3:] / 255
    wanted = sprites[..., :3] * alpha + background * (1 - alpha)
    found = load_emoji(64, ["Fluent Flat"], background).images[::50]
    assert np.abs(found - wanted).max() <= 1.01
    assert (found[alpha[..., 0] == 0] == background).all()


def test_some_artists_keep_their_order_and_names():
    pictures = load_emoji(32, ["OpenMoji", "Noto", "Noto"])
    assert len(pictures) == 2 * CONCEPTS
    assert pictures.factors["artist"].classes == ("Noto", "OpenMoji")
    assert np.array_equal(pictures.images[0::2], load_emoji(32).images[0::4])
    assert np.array_equal(pictures.images[1::2], load_emoji(32).images[3::4])


def test_what_cannot_be_had_is_refused_in_a_sentence():
    with pytest.raises(PictureError, match="no artist 'Picasso'; choose from Noto, Twemoji"):
        load_emoji(artists=["Picasso"])
    with pytest.raises(PictureError, match="no artist"):
        load_sprites("../noto")
    with pytest.raises(PictureError, match="at least one artist"):
        load_emoji(artists=[])
    for size in (0, 7, 257):
        with pytest.raises(PictureError, match="8 to 256 pixels"):
            load_emoji(size)
    for background in (-1, 256):
        with pytest.raises(PictureError, match="grey level from 0 to 255"):
            load_emoji(background=background)


def test_loading_is_quick_and_then_costs_nothing_and_nobody_can_spoil_it_for_others():
    load_sprites.cache_clear()
    emoji._load_emoji.cache_clear()
    start = time.process_time()
    pictures = load_emoji()
    assert time.process_time() - start < 2
    start = time.thread_time()
    assert load_emoji() is pictures
    assert load_emoji(64, NAMES, 255) is pictures
    assert time.thread_time() - start < 0.05
    for array in (pictures.images, pictures.groups, pictures.factors["artist"].values, load_sprites("Noto")):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


# Building them


def svg_circle(colour: str, x: int = 4) -> str:
    return f'<circle cx="{x}" cy="8" r="3" fill="{colour}"/>'


@pytest.fixture
def packages(tmp_path) -> Path:
    """Four artists with three concepts in common, one under an alias; two draw the dot and the point alike."""
    for number, (package, *_) in enumerate(ARTISTS):
        folder = tmp_path / "node_modules" / "@iconify-json" / package
        folder.mkdir(parents=True)
        icons = {"red-dot": {"body": svg_circle("red")}, f"only-{number}": {"body": svg_circle("blue")}}
        aliases = {"mirrored-dot": {"parent": "red-dot", "hFlip": True}}
        if number < 2:
            aliases["a-point"] = {"parent": "red-dot"}
        else:
            icons["a-point"] = {"body": svg_circle("green")}
        whole = {"width": 16, "height": 16, "icons": icons, "aliases": aliases}
        ampersand = "&" if number else ""
        categories = {f"Food {ampersand} Drink": ["red-dot"], "Objects": ["a-point"], "Extras": ["mirrored-dot"]}
        for file, content in (
            ("icons.json", whole),
            ("metadata.json", {"categories": categories}),
            ("package.json", {"version": f"1.{number}"}),
        ):
            (folder / file).write_text(json.dumps(content))
    return tmp_path / "node_modules"


def test_building_twice_gives_the_same_bytes_and_what_was_built_can_be_loaded(packages, tmp_path, monkeypatch):
    monkeypatch.setattr(emoji_build, "COLUMNS", 2)
    first, second = (build(packages, tmp_path / name) for name in ("first", "second"))
    assert [path.name for path in first] == [
        "noto.webp", "twemoji.webp", "fluent_flat.webp", "openmoji.webp", "emoji.json", "LICENCES.md",
    ]  # fmt: skip
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    monkeypatch.setattr(emoji, "FOLDER", tmp_path / "first")
    caches = (load_index, load_sprites, emoji._load_emoji)
    for cache in caches:
        cache.cache_clear()
    try:
        pictures = load_emoji()
        assert load_index().concepts == ("a point", "mirrored dot", "red dot")
        assert [load_index().categories[i] for i in load_index().category_idx] == [
            "Objects",
            "Food & Drink",
            "Food & Drink",
        ]
        assert load_index().group_idx.tolist() == [0, 1, 0]
        assert [artist.version for artist in load_index().artists] == ["1.0", "1.1", "1.2", "1.3"]
        assert pictures.images[8:][:, 32, 16].tolist() == [[255, 0, 0]] * 4
        assert pictures.images[4:8][:, 32, 48].tolist() == [[255, 0, 0]] * 4
        assert pictures.images[:4][:, 32, 16].tolist() == [[255, 0, 0]] * 2 + [[0, 128, 0]] * 2
        assert (pictures.images[:, 60, 60] == 255).all()
    finally:
        for cache in caches:
            cache.cache_clear()


def test_a_missing_package_is_said(packages):
    (packages / "@iconify-json" / "noto" / "icons.json").unlink()
    with pytest.raises(FileNotFoundError, match="noto"):
        build(packages, packages / "out")


@pytest.mark.parametrize(
    ("change", "spot"),
    [
        ({}, (4, 8)),
        ({"hFlip": True}, (12, 8)),
        ({"vFlip": True}, (4, 8)),
        ({"rotate": 1}, (8, 4)),
        ({"rotate": 3}, (8, 12)),
    ],
)
def test_aliases_mirror_and_turn(change, spot):
    icons = {"width": 16, "height": 16, "icons": {"a": {"body": svg_circle("red")}}}
    icons["aliases"] = {"b": {"parent": "a", **change}, "c": {"parent": "b"}}
    drawn = rasterise(svg_of(icons, "c"), 16)
    assert drawn[spot[1], spot[0]].tolist() == [255, 0, 0, 255]
    assert drawn[..., 3].sum() / 255 == pytest.approx(np.pi * 9, rel=0.1)


def test_an_icon_that_is_wider_than_tall_keeps_its_shape():
    drawn = rasterise(svg_of({"icons": {"a": {"body": svg_circle("red", 16), "width": 32, "height": 16}}}, "a"), 32)
    ys, xs = np.nonzero(drawn[..., 3] > 128)
    assert (xs.mean(), ys.mean()) == pytest.approx((15.5, 15.5), abs=0.2)
    assert np.ptp(xs) == pytest.approx(np.ptp(ys), abs=1)


def test_categories_go_by_most_votes_and_then_by_the_first_artist():
    class Said:
        def __init__(self, **categories):
            self.categories = categories

    assert category_of("crab", [Said(crab="A"), Said(crab="F"), Said(crab="F")]) == "F"
    assert category_of("crab", [Said(), Said(crab="A"), Said(crab="F")]) == "A"
    with pytest.raises(ValueError, match="category of crab"):
        category_of("crab", [Said()])
    assert concept_name("jack-o-lantern") == "jack o lantern"


def test_concepts_drawn_alike_make_one_group_through_others_too():
    a, b, c, d = (np.full((1, 1, 4), value, np.uint8) for value in range(4))
    assert groups_of([np.stack([a, b, b, c]), np.stack([a, b, c, c])]) == [0, 1, 1, 1]
    assert groups_of([np.stack([a, b, c, d]), np.stack([a, b, c, a])]) == [0, 1, 2, 0]
