"""One table of what each way to learn teaches: the same apples and the same probes for all."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from backends.analysis.prober import PictureProber
from backends.data.splits import load_split
from backends.nets.vision import embed
from backends.pretext.compare import (
    Contender,
    compare,
    compare_shipped,
    pixels_contender,
    untrained_contender,
)
from backends.pretext.config import RotationConfig
from backends.pretext.model import untrained


@pytest.fixture(scope="module")
def small():
    return compare([untrained_contender(), pixels_contender()])


@pytest.mark.slow
def test_scores_are_those_of_the_probes_that_trainers_use(small):
    split = load_split("apples", 32)
    prober, encoder = PictureProber(split, "cpu"), untrained(RotationConfig()).encoder.eval()
    expected = {
        "untrained": prober.probe_features(lambda images: embed(encoder, images), 0).scores,
        "pixels": prober.pixels(),
    }
    assert small.names == tuple(expected)
    assert small.factors == tuple(split.held_out.factors)
    for m, name in enumerate(small.names):
        for f, factor in enumerate(small.factors):
            assert small.knn[m, f] == pytest.approx(expected[name][f"knn_{factor}"], abs=0.005)
            assert small.linear[m, f] == pytest.approx(expected[name][f"linear_{factor}"], abs=0.005)
    np.testing.assert_allclose(small.chance, [factor.chance for factor in split.held_out.factors.values()])


def test_rows_are_plain_numbers_for_a_chart(small):
    rows = small.rows()
    assert len(rows) == len(small.names) * len(small.factors)
    first = rows[0]
    assert (first["name"], first["title"], first["factor"]) == ("untrained", "Untrained net", small.factors[0])
    assert all(type(first[key]) is float and 0 <= first[key] <= 1 for key in ("chance", "knn", "linear"))


def test_a_fresh_run_joins_the_table_and_replaces_its_namesake(small):
    constant = SimpleNamespace(
        config=RotationConfig(image_size="48"), embed=lambda images: np.ones((len(images), 2), np.float32)
    )
    fresh = compare([Contender("pixels", "Nothing", constant), Contender("mine", "Your run", constant)])
    both = small.joined(fresh)
    assert both.names == ("untrained", "pixels", "mine")
    assert both.titles == ("Untrained net", "Nothing", "Your run")
    np.testing.assert_array_equal(both.knn, np.concatenate([small.knn[:1], fresh.knn]))
    assert (fresh.linear <= small.chance + 0.05).all(), "features that say nothing are at chance"


def test_what_can_not_be_compared_is_refused(small):
    for contenders in ([], [pixels_contender(), pixels_contender()]):
        with pytest.raises(ValueError, match="Contenders need names of their own"):
            compare(contenders)


def test_the_lecture_s_point_stands_in_the_table_of_the_shipped_models():
    table = compare_shipped()
    assert table.names[:3] == ("rotation", "inpainting", "jigsaw")
    assert {"simclr", "mae", "untrained", "pixels"} <= set(table.names)

    def linear(name: str, factor: str) -> float:
        return float(table.linear[table.names.index(name), table.factors.index(factor)])

    for task in ("rotation", "jigsaw"):
        assert linear("simclr", "shape") > linear(task, "shape") + 0.1, "why they were left behind"
    assert linear("inpainting", "colour") > linear("untrained", "colour") + 0.1
    assert linear("rotation", "colour") < linear("untrained", "colour")
    assert compare_shipped() is table
