"""Odd one out on the page, without a browser."""

from __future__ import annotations

import re

import pytest

from backends.engine.checkpoints import CheckpointError
from backends.start import odd_one_out, shipped
from playground.tabs import start_game
from playground.tabs.start_game import KEPT, NEXT, Game, game_views, play


def text(value: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", value).split())


def game_in(session) -> Game:
    return session.uploads[KEPT]


def answer(session, place: int) -> None:
    game = game_in(session)
    play(session, f"{game.number}:{game.at}:{place}")


@pytest.fixture
def game(session) -> Game:
    """A visitor who sees the first round."""
    game_views(session)
    return game_in(session)


def test_a_round_is_four_pictures_to_choose_from_and_no_name(session, game):
    board, score = game_views(session)
    assert re.findall(r'data-pick="([^"]*)"', board) == [f"1:0:{place}" for place in range(4)]
    assert "species" not in board
    assert "the odd one" not in board
    assert "0 of 0" in text(score)


def test_the_answer_shows_who_was_right_and_the_numbers_of_model_and_pixels(session, game):
    asked = game.rounds[0]
    answer(session, (asked.odd + 1) % 4)
    board, score = game_views(session)
    said = game.answered[0]
    assert "Not that one" in board
    assert board.count("the odd one") == 1
    for opinion in (said.learned, said.raw):
        assert all(f"{value:.2f}" in board for value in opinion.mean)
    assert "0 of 1" in text(score)
    assert said.learned.odd == odd_one_out.opinion(shipped.features(asked.seen)).odd


def test_ten_rounds_are_scored_for_you_the_model_and_pixels(session, game):
    for asked in list(game.rounds):
        answer(session, asked.odd)
        play(session, NEXT)
    assert game_in(session).number == 2, "after the last round a new game begins"
    assert game.right("yours") == 10
    model = sum(said.model == asked.odd for said, asked in zip(game.answered, game.rounds, strict=True))
    assert game.right("model") == model
    assert f"You 10, the model {model}" in text(start_game.score_html(game, shipped.card()))


def test_what_the_card_measured_is_said(session, game):
    _, score = game_views(session)
    measured = shipped.card()["metrics"]
    assert f"{measured['odd_one_out']:.0%}" in score
    assert f"{measured['pixels_odd_one_out']:.0%}" in score
    assert f"{measured['rounds']:,} such rounds" in score


PICKS = ["", "1:0:4", "1:1:0", "2:0:0", "1:0:-1", "1:0:00", "\u0661:0:0", "x" * 999, NEXT, "<b>"]


def test_a_click_that_fits_nothing_on_the_page_changes_nothing(session, game):
    for pick in PICKS:
        play(session, pick)
        assert game_in(session) is game, pick
        assert (game.at, game.answered) == (0, []), pick


def test_a_second_answer_to_the_same_round_does_not_count(session, game):
    answer(session, 0)
    answer(session, 1)
    assert [said.yours for said in game.answered] == [0]


def test_a_click_before_any_game_is_nothing(session):
    play(session, "1:0:0")
    assert KEPT not in session.uploads


def test_a_model_that_goes_missing_in_a_game_is_a_sentence_and_the_round_stays_open(session, monkeypatch):
    game_views(session)
    game = session.uploads[KEPT]

    def gone(pictures):
        raise CheckpointError("model.safetensors is missing.")

    with monkeypatch.context() as patch:
        patch.setattr(shipped, "features", gone)
        board, _ = game_views(session, "1:0:0")
        assert "The model that plays is not here: model.safetensors is missing." in text(board)
    assert game.open
    game_views(session, "1:0:0")
    assert len(game.answered) == 1


def test_a_missing_model_is_a_sentence(session, monkeypatch):
    def gone():
        raise CheckpointError("model.json is missing.")

    monkeypatch.setattr(shipped, "card", gone)
    board, score = game_views(session)
    assert "The model that plays is not here: model.json is missing." in text(board)
    assert score == ""
