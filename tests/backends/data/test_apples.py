"""Apples: what is drawn, what can be seen of it, and that nothing else tells it."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from backends.data import apples
from backends.data.apples import FACTORS, AppleParameters, draw_apples
from backends.data.painting import PIXELS_PER_CHUNK

NAMES = [factor.name for factor in FACTORS]
CLASSES = {factor.name: len(factor.classes) for factor in FACTORS}


def excess_chi_square(a: np.ndarray, b: np.ndarray) -> float:
    """How many standard deviations the chi-square statistic of two classes lies above that of independent ones."""
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    return float((((table - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom))


def quantities(drawn: AppleParameters) -> dict[str, np.ndarray]:
    fields = [field.name for field in dataclasses.fields(drawn) if field.name not in ("classes", "tie")]
    return {name: getattr(drawn, name) for name in fields}


def render(drawn: AppleParameters, size: int) -> np.ndarray:
    from backends.data import apple_renderer

    return apple_renderer.render(drawn, size).numpy()


def skin_hues(pictures: np.ndarray) -> np.ndarray:
    """Mean hue in turns of each (3, S, S) picture, weighted by chroma: greys and stems hardly count."""
    red, green, blue = np.moveaxis(pictures.astype(np.float64), 1, 0)
    chroma = pictures.max(axis=1) - pictures.min(axis=1)
    weight = np.where(chroma > 0.3, chroma, 0)
    angle = np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)
    return np.angle((weight * np.exp(1j * angle)).sum(axis=(1, 2))) / (2 * np.pi)


def test_the_same_seed_draws_the_same_apples_and_another_seed_others() -> None:
    one, same, other = draw_apples(50, 7), draw_apples(50, 7), draw_apples(50, 8)
    for name, values in quantities(one).items():
        np.testing.assert_array_equal(values, quantities(same)[name])
    np.testing.assert_array_equal(render(one, 32), render(same, 32))
    assert np.abs(one.hue - other.hue).mean() > 0.05
    assert np.abs(one.texture - other.texture).mean() > 0.5


def test_more_apples_from_a_seed_begin_with_the_same_apples() -> None:
    few, many = draw_apples(20, 3), draw_apples(200, 3).take(slice(0, 20))
    for name, values in quantities(few).items():
        np.testing.assert_array_equal(values, quantities(many)[name])
    for name in NAMES:
        np.testing.assert_array_equal(few.classes[name], many.classes[name])


def test_no_two_apples_of_the_same_classes_are_equal() -> None:
    pictures = render(draw_apples(12, 1, classes=dict.fromkeys(NAMES, 1)), 32)
    for a, b in itertools.combinations(pictures, 2):
        assert np.abs(a - b).mean() > 0.003


def test_every_class_of_a_factor_is_about_as_frequent() -> None:
    drawn = draw_apples(8000, 0)
    for name, number in CLASSES.items():
        np.testing.assert_allclose(np.bincount(drawn.classes[name], minlength=number) / 8000, 1 / number, atol=0.02)


@pytest.mark.parametrize("tie", apples.TIES)
def test_factors_are_independent_but_for_the_tie(tie: apples.Tie) -> None:
    drawn = draw_apples(6000, 11, tie)
    for a, b in itertools.combinations(NAMES, 2):
        excess = excess_chi_square(drawn.classes[a], drawn.classes[b])
        if {a, b} == {tie, "background"}:
            np.testing.assert_array_equal(drawn.classes[a], drawn.classes[b])
            assert excess > 100
        else:
            assert excess < 4, (a, b)


def test_nothing_but_its_own_quantity_tells_a_factor() -> None:
    """The mean of every jittering quantity is the same in all classes of the factors that do not set it."""
    sets = {
        "hue": {"colour"}, "outline": {"shape"}, "leaves": {"leaf"}, "radius": {"size"}, "lean": {"pose"},
        "light": {"light"}, "grey": {"background"}, "stripes": {"background"},
    }  # fmt: skip
    drawn = draw_apples(6000, 5)
    for name, values in quantities(drawn).items():
        flat = values.reshape(len(drawn), -1).astype(np.float64)
        noise = flat.std(axis=0) + 1e-9
        for factor in set(NAMES) - sets.get(name, set()):
            for value in range(CLASSES[factor]):
                chosen = drawn.classes[factor] == value
                away = np.abs(flat[chosen].mean(axis=0) - flat.mean(axis=0)) / noise * np.sqrt(chosen.sum())
                assert away.max() < 5, (name, factor, value)


@pytest.mark.parametrize("tie", ["colour", "shape"])
def test_a_tied_background_has_a_look_of_its_own_for_each_class(tie: apples.Tie) -> None:
    number = CLASSES[tie]
    classes = np.arange(20 * number) % number
    drawn = draw_apples(len(classes), 2, tie, classes={tie: classes, "size": 0})
    corner = render(drawn, 32)[:, 0, :8]  # no small apple reaches up here
    looks = np.stack([corner.mean(axis=(1, 2)), corner.mean(axis=1).std(axis=1)], axis=1)
    middles = np.stack([looks[classes == value].mean(axis=0) for value in range(number)])
    nearest = np.linalg.norm(looks[:, None] - middles, axis=-1).argmin(axis=1)
    assert (nearest == classes).mean() > 0.97
    assert len(apples.background_classes(tie)) == number == len(set(apples.background_classes(tie)))


@pytest.mark.parametrize("factor", NAMES)
def test_each_factor_changes_its_own_quantity_and_the_picture(factor: str) -> None:
    before = draw_apples(24, 4, classes={factor: 0})
    for value in range(1, CLASSES[factor]):
        after = draw_apples(24, 4, classes={factor: value})
        changed = [n for n, v in quantities(before).items() if not np.array_equal(v, quantities(after)[n])]
        assert len(changed) == 1, changed
        difference = np.abs(render(before, 32) - render(after, 32))
        assert difference.mean(axis=(1, 2, 3)).min() > 0.001, value
        assert difference.max(axis=(1, 2, 3)).min() > 0.1, value
        assert all(np.array_equal(before.classes[name], after.classes[name]) for name in NAMES if name != factor)


def test_backgrounds_are_grey() -> None:
    border = render(draw_apples(200, 6, classes={"size": 0, "leaf": 0}), 32)[:, :, :3]
    assert np.ptp(border, axis=1).max() == 0


def test_hues_of_neighbouring_colours_do_not_overlap() -> None:
    drawn = draw_apples(400, 9, classes={"leaf": 0})
    hues, colours = skin_hues(render(drawn, 48)), drawn.classes["colour"]
    for value in range(CLASSES["colour"] - 1):
        assert hues[colours == value + 1].min() - hues[colours == value].max() > 0.015
    middles = [hues[colours == value].mean() for value in range(CLASSES["colour"])]
    assert middles[-1] - middles[0] == pytest.approx(0.36, abs=0.02)


def test_light_does_not_change_the_hue_of_the_skin() -> None:
    drawn = draw_apples(100, 10, classes={"leaf": 0})
    measured, drawn_hue = skin_hues(render(drawn, 64)), (drawn.hue + 0.5) % 1 - 0.5
    assert np.abs(measured - drawn_hue).max() < 0.006


def linear_accuracies(pixels: np.ndarray, labels: dict[str, np.ndarray], held_out: int) -> dict[str, float]:
    """Of a ridge regression from pixels onto the one-hot classes of all factors, on the last `held_out` pictures."""
    targets = np.concatenate([np.eye(values.max() + 1)[values] for values in labels.values()], axis=1)
    train, test = pixels[:-held_out] - pixels.mean(axis=0), pixels[-held_out:] - pixels.mean(axis=0)
    middle = targets.mean(axis=0)
    ridge = train @ train.T + 30 * np.eye(len(train), dtype=np.float32)
    scores = test @ (train.T @ np.linalg.solve(ridge, (targets[:-held_out] - middle).astype(np.float32))) + middle
    parts = np.split(scores, np.cumsum([values.max() + 1 for values in labels.values()])[:-1], axis=1)
    named = zip(labels, parts, strict=True)
    return {name: float((part.argmax(axis=1) == labels[name][-held_out:]).mean()) for name, part in named}


def test_every_factor_can_be_read_from_32_pixels() -> None:
    drawn = draw_apples(2400, 12)
    accuracies = linear_accuracies(render(drawn, 32).reshape(2400, -1), dict(drawn.classes), 500)
    for name, number in CLASSES.items():
        assert accuracies[name] > 1.6 / number, accuracies


def test_the_nearest_neighbour_by_mean_hue_has_the_same_colour() -> None:
    drawn = draw_apples(1200, 13)
    pictures, colours = render(drawn, 32), drawn.classes["colour"]
    hues = skin_hues(pictures)
    nearest = np.abs(hues[900:, None] - hues[None, :900]).argmin(axis=1)
    assert (colours[:900][nearest] == colours[900:]).mean() > 0.8


@pytest.mark.parametrize("size", [32, 64])
def test_a_small_picture_is_a_large_one_made_smaller(size: int) -> None:
    drawn = draw_apples(40, 14, "shape")
    factor = 192 // size
    large = render(drawn, 192).reshape(40, 3, size, factor, size, factor).mean(axis=(3, 5))
    difference = np.abs(large - render(drawn, size))
    assert difference.mean() < 0.01
    assert np.quantile(difference, 0.999) < 0.2


@pytest.mark.parametrize("size", [32, 64, 160])
def test_edges_are_smooth_and_crisp(size: int) -> None:
    """A move by a tenth of a pixel never flips a pixel; yet the silhouette is no wider than two pixels."""
    drawn = draw_apples(20, 15, classes={"background": 3, "colour": 1, "leaf": 2, "size": 2})
    moved = dataclasses.replace(drawn, centre=drawn.centre + np.float32(0.1 / size))
    assert np.abs(render(moved, size) - render(drawn, size)).max() < 0.22
    across = render(drawn, size)[:, 2, round(0.55 * size)]
    assert np.abs(across[:, 2:] - across[:, :-2]).max(axis=1).min() > 0.65


def test_a_pixel_at_the_very_middle_of_an_apple_is_finite() -> None:
    drawn = draw_apples(5, 21)
    assert np.isfinite(render(dataclasses.replace(drawn, centre=np.full((5, 2), 0.5, np.float32)), 33)).all()


@pytest.mark.parametrize("size", [1, 7, 32, 65])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_pictures_are_finite_and_in_range_at_any_size_and_count(count: int, size: int) -> None:
    pictures = render(draw_apples(count, 16), size)
    assert pictures.shape == (count, 3, size, size)
    assert pictures.dtype == np.float32
    assert np.isfinite(pictures).all()
    assert count == 0 or (pictures.min() >= 0 and pictures.max() <= 1)


def test_many_pictures_are_finite_and_in_range() -> None:
    pictures = render(draw_apples(3000, 17, "colour"), 32)
    assert np.isfinite(pictures).all()
    assert pictures.min() >= 0
    assert pictures.max() <= 1


def test_an_apple_looks_the_same_in_whatever_chunk_it_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = draw_apples(30, 18)
    together = render(drawn, 32)
    monkeypatch.setitem(PIXELS_PER_CHUNK, "cpu", 7 * 32 * 32)
    np.testing.assert_allclose(render(drawn, 32), together, atol=1e-5)
    np.testing.assert_allclose(render(drawn.take(np.array([29])), 32)[0], together[29], atol=1e-5)


def test_bytes_are_the_rounded_picture() -> None:
    from backends.data import apple_renderer

    drawn = draw_apples(10, 19)
    exact = np.moveaxis(render(drawn, 32), 1, 3) * 255
    assert np.abs(apple_renderer.render_bytes(drawn, 32) - exact).max() <= 0.501


def test_picture_set_has_names_factors_and_redraws_at_another_size() -> None:
    pictures = apples.apple_pictures(30, 20, 32, "colour")
    assert pictures.images.shape == (30, 32, 32, 3)
    assert pictures.images.dtype == np.uint8
    assert list(pictures.factors) == NAMES
    assert len(pictures.factors["background"].classes) == 8
    first = [pictures.factors[name].classes[pictures.factors[name].values[0]] for name in ("colour", "shape", "leaf")]
    assert pictures.names[0] == ", ".join(first)
    some = pictures.subset([4, 9, 2])
    large = some.at_size([1, 2], 160)
    assert large.shape == (2, 160, 160, 3)
    small = large.reshape(2, 32, 5, 32, 5, 3).mean(axis=(2, 4))
    assert np.abs(small - pictures.images[[9, 2]]).mean() < 3
    assert np.abs(small - pictures.images[[2, 9]]).mean() > 8


def test_an_empty_picture_set_is_possible() -> None:
    pictures = apples.apple_pictures(0, 0, 32)
    assert pictures.images.shape == (0, 32, 32, 3)
    assert pictures.names == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"count": -1, "seed": 0}, "at least 0"),
        ({"count": 1, "seed": -1}, "at least 0"),
        ({"count": 1, "seed": 0, "tie": "leaf"}, "tie is leaf"),
        ({"count": 1, "seed": 0, "classes": {"taste": 0}}, "no factor taste"),
        ({"count": 1, "seed": 0, "classes": {"colour": 8}}, "colour has the classes 0 to 7"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw_apples(**arguments)


@pytest.mark.parametrize("size", [0, 5000])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="size is"):
        render(draw_apples(1, 0), size)
