"""The map's settings: what they refuse, and that their words fit their choices."""

from __future__ import annotations

import pytest

from backends.analysis.map_config import LIVE_POINTS, MapConfig
from backends.engine.config import ConfigError

REFUSED = {
    "method": ["tsne", "", None, 1, ["umap"]],
    "dimensions": [1, 4, 2.5, "three", None, True],
    "points": [9, 50_001, -1, 1e30, float("nan"), float("inf"), [2000]],
    "n_neighbors": [1, 101, 0, float("nan"), {"a": 1}],
    "min_dist": [-0.01, 1, float("nan"), float("-inf"), "small"],
    "metric": ["manhattan", None, 0],
    "colour": [
        *("<b>red</b>", None, "factor:", "factor:Shape", "factor:a b", "factor:<b>", "factor:é", "xfactor:shape"),
        *("factor:" + "a" * 41, "factor:shape;", "factor:shape\nplain", 'factor:"', ["factor:shape"]),
    ],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_a_setting_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=rf"\({name}\)"):
        MapConfig().with_changes(**{name: value})


def test_every_setting_has_a_refusal_tested():
    assert set(REFUSED) == set(MapConfig.model_fields)


def test_an_unknown_setting_is_refused():
    with pytest.raises(ConfigError, match="no setting"):
        MapConfig().with_changes(colour_scheme="dark")


def test_choices_are_all_described():
    for info in MapConfig.settings():
        if info.choices:
            for value in info.choices:
                assert getattr(MapConfig().with_changes(**{info.name: value}), info.name) == value


def test_the_colour_may_name_a_factor():
    config = MapConfig.parse({"colour": "factor:shape_2"})
    assert (config.colour, config.factor) == ("factor:shape_2", "shape_2")
    assert MapConfig(colour="factor:" + "a" * 40).factor == "a" * 40
    assert {MapConfig(colour=colour).factor for colour in ("plain", "frequency", "cluster", "similarity")} == {None}


def test_the_defaults_follow_a_training():
    assert MapConfig().points <= LIVE_POINTS
