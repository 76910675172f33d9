"""Links: what is written is read back, and nothing that a stranger writes does harm."""

from __future__ import annotations

import urllib.parse

import pytest

from backends.analysis.map_config import MapConfig
from backends.mae.config import MAEConfig
from backends.word2vec.config import Word2VecConfig
from playground.links import MAX_PARAMETERS, LinkTarget, query_of, read_query

TARGETS = {"word2vec": LinkTarget({"": Word2VecConfig, "map_": MapConfig}, ("word",), views=("try", "by-hand"))}


def read(query: str):
    return read_query(dict(urllib.parse.parse_qsl(query, keep_blank_values=True)), TARGETS)


def test_a_written_link_is_read_back():
    config = Word2VecConfig(dim=24, window=3, subsample=0.001, architecture="cbow")
    layout = MapConfig(method="pca", points=500, min_dist=0.5)
    link = read(query_of("word2vec", {"": config, "map_": layout}, {"word": "été & <b>"}))
    assert link.tab == "word2vec"
    assert link.configs == {"": config, "map_": layout}
    assert link.texts == {"word": "été & <b>"}
    assert link.problems == []


def test_the_defaults_make_a_short_link():
    assert query_of("word2vec", {"": Word2VecConfig(), "map_": MapConfig()}) == "tab=word2vec"


def test_a_page_opened_without_a_link_has_none():
    link = read("__theme=dark&view=api")
    assert (link.tab, link.problems, link.query) == (None, [], "")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("tab=word2vec&colour_of_sky=blue", "“colour_of_sky”, which is no setting"),
        ("dim=many", "Dimensions (dim) is many; it must be a whole number from 2 to 300. The default was kept."),
        ("dim=99999", "it must be a whole number from 2 to 300"),
        ("dim=nan", "it must be a whole number"),
        ("learning_rate=inf", "Learning rate"),
        ("corpus=../../etc/passwd", "Corpus (corpus) is ../../etc/passwd"),
        ("map_points=1e12", "Points (points)"),
        ("tab=nowhere", "The link names the tab “nowhere”; there is word2vec."),
        ("objective=softmax&min_count=5&dim=", "Dimensions (dim) is empty"),
    ],
)
def test_what_can_not_be_used_is_said_and_the_default_kept(query, said):
    link = read(query)
    assert said in " ".join(link.problems)
    if link.tab:
        assert link.configs["map_"] == MapConfig()
        assert link.configs[""].dim == 96


def test_one_bad_setting_leaves_the_good_ones():
    link = read("dim=32&window=1000&epochs=3")
    assert (link.configs[""].dim, link.configs[""].window, link.configs[""].epochs) == (32, 8, 3)
    assert len(link.problems) == 1


def test_what_needs_a_setting_that_stands_after_it_is_taken():
    targets = {"mae": LinkTarget({"": MAEConfig})}
    link = read_query({"patch": "12", "image_size": "48", "steps": "x"}, targets)
    assert (link.configs[""].patch, link.configs[""].image_size) == ("12", "48")
    assert len(link.problems) == 1


def test_a_flood_of_parameters_and_long_values_are_cut():
    link = read("&".join(f"x{i}={'y' * 10_000}" for i in range(500)))
    assert len(link.problems) <= MAX_PARAMETERS
    assert max(map(len, link.problems)) < 200
    assert len(read("word=" + "w" * 10_000).texts["word"]) <= 200


def test_a_link_that_names_no_tab_is_of_the_tab_that_is_given_or_of_the_first():
    both = {"start": LinkTarget({}), **TARGETS}
    assert read_query({"dim": "8"}, both, "word2vec").configs[""].dim == 8
    assert read_query({"dim": "8"}, both).tab == "start"
    assert read_query({"tab": "start"}, both, "word2vec").tab == "start"
    assert read_query({}, both, "word2vec").tab is None


def test_the_same_link_in_another_order_is_the_same_link():
    assert read("dim=8&window=2").query == read("window=2&dim=8").query


def test_a_link_opens_a_part_of_its_tab_and_stays_the_same_link():
    link = read("dim=8&view=by-hand")
    assert (link.view, link.problems) == ("by-hand", [])
    assert link.query == read("dim=8").query
    assert read("dim=8").view is None


@pytest.mark.parametrize("view", ["nowhere", "", "<b>", "x" * 5000])
def test_a_part_that_is_none_is_said(view):
    link = read(f"dim=8&view={view}")
    assert link.view is None
    assert "there is try, by-hand" in link.problems[0]
    assert len(link.problems[0]) < 200
