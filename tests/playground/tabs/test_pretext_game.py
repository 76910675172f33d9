"""The game against the net, without a browser."""

from __future__ import annotations

import re
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest

from backends.data.splits import Split, no_pictures
from backends.pretext import shipped
from backends.pretext.puzzles import PuzzleError
from playground.session import Session
from playground.tabs import pretext_game, pretext_game_view, pretext_state
from playground.tabs.pretext_game import KEPT, Answered, Game, game_views, live_view, play
from playground.tabs.pretext_game_view import NEXT, board_html, score_html
from playground.tabs.pretext_state import LOADED, TAB, choose_task
from tests.playground.fakes import alerts

ATTACK = "<img src=x onerror=alert(1)>"
TASKS = ("rotation", "inpainting", "jigsaw")


def text(value: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", value).split())


def game_in(session: Session) -> Game:
    return session.uploads[KEPT]


def pick_of(game: Game, option: int) -> str:
    return f"{game.number}:{game.at}:{option}"


def play_round(session: Session, right: bool = True) -> list:
    """Answer the round that is shown; the views after it."""
    game = game_in(session)
    asked = game.rounds[game.at]
    option = asked.right if right else (asked.right + 1) % asked.options
    return game_views(session, play(session, pick_of(game, option)))


def picks_of(board: str) -> list[str]:
    return re.findall(r'data-pick="([^"]*)"', board)


@pytest.fixture(params=TASKS)
def playing(request, session) -> Session:
    """A visitor who sees the first round of a task."""
    choose_task(session, request.param)
    game_views(session)
    return session


@pytest.fixture
def rotating(session) -> Session:
    game_views(session)
    return session


def test_a_round_is_seen_as_the_net_sees_it_with_a_button_for_each_option(playing):
    note, board, score = game_views(playing)
    game = game_in(playing)
    assert text(note) == "You see what the net sees: 32 × 32 pixels."
    assert picks_of(board) == [*(pick_of(game, i) for i in range(game.rounds[0].options)), NEXT]
    assert all(len(pick) <= 40 for pick in picks_of(board))
    assert board.count("aria-label=") == game.rounds[0].options
    assert "image/png" in board
    assert "webp" not in board
    assert "You 0 of 0" in text(score)
    assert game.rounds[0].name not in board, "a name would give the answer away before it is asked"
    assert "✓" not in board


def test_the_answer_says_who_was_right_in_words_and_how_sure_the_net_was(playing):
    _, board, score = play_round(playing, right=False)
    asked, said = game_in(playing).rounds[0], game_in(playing).answered[0]
    yours, nets = (pretext_game_view.option_name(asked.task, option) for option in (said.yours, said.nets))
    assert f"You said {yours}: ✗ wrong" in text(board)
    assert f"The net said {nets}: {'✓ correct' if said.nets == asked.right else '✗ wrong'}" in text(board)
    assert len(re.findall(r'class="bar"', board)) == asked.options
    assert asked.name in board
    assert re.search(r"You took \d+ ms, the net \d+ ms\.", text(score))
    assert picks_of(board)[-1] == NEXT


def test_scores_are_the_sums_of_the_marks(rotating):
    for right in (True, False, True, True):
        _, _, score = play_round(rotating, right)
        play(rotating, NEXT)
    game = game_in(rotating)
    nets = sum(said.nets == asked.right for said, asked in zip(game.answered, game.rounds, strict=False))
    assert game.right() == (3, nets)
    assert f"You 3 of 4 · The net {nets} of 4" in text(score)
    assert score.count('aria-label="right"') == 3 + nets
    assert score.count('aria-label="wrong"') == 1 + 4 - nets


def test_ten_rounds_end_in_a_sentence_and_then_comes_a_new_game(playing):
    for number in range(10):
        _, board, score = play_round(playing, right=number < 7)
        assert ("you win" in score or "the net wins" in score or "a draw" in score) is (number == 9)
        if number < 9:
            play(playing, NEXT)
    first = game_in(playing)
    assert first.over
    assert re.search(r"You got 7 of 10, the net \d+ of 10: .*Guessing gets about \d\.\d\.", text(score))
    assert "New game</button>" in board
    play(playing, NEXT)
    assert game_in(playing) is not first
    assert (game_in(playing).number, game_in(playing).at, game_in(playing).answered) == (first.number + 1, 0, [])


@pytest.mark.parametrize(
    "pick",
    [
        "",
        "next ",
        "1:0",
        "1:0:-1",
        "1:0:4",
        "1:0:99",
        "1:1:0",
        "2:0:0",
        "0:0:0",
        "１:0:0",
        "1:0:0:0",
        "1:0:0\n",
        "nan",
        ATTACK,
        "9" * 40,
    ],
)
def test_a_pick_that_fits_nothing_changes_nothing(rotating, pick):
    before = game_views(rotating)
    assert game_in(rotating).number == 1
    assert play(rotating, pick) == ""
    assert game_in(rotating).answered == []
    assert game_views(rotating) == before


def test_a_second_click_on_a_round_and_a_click_on_an_older_one_are_ignored(rotating):
    game = game_in(rotating)
    old = pick_of(game, 0)
    play(rotating, old)
    play(rotating, pick_of(game, 1))
    assert [said.yours for said in game.answered] == [0]
    play(rotating, NEXT)
    play(rotating, NEXT)
    assert game.at == 1, "an open round is not left"
    play(rotating, old)
    assert len(game.answered) == 1


def test_another_task_or_other_settings_or_pictures_deal_a_new_game(session):
    game_views(session)
    first = game_in(session)
    old = pick_of(first, first.rounds[0].right)
    choose_task(session, "jigsaw")
    play(session, old)
    assert game_in(session).rounds[0].task == "jigsaw"
    assert game_in(session).answered == []
    model = shipped.load("jigsaw")
    numbers = [game_in(session).number]
    for other in (
        replace(model, config=model.config.with_changes(seed=99, steps=20)),
        replace(model, config=model.config.with_changes(tile_colour="grey")),
        replace(model, split=Split(model.split.held_out, model.split.held_out.subset(range(5, 60)))),
    ):
        session.uploads[LOADED] = (other, "A net for a test answers.")
        game_views(session)
        numbers.append(game_in(session).number)
    assert numbers == [2, 2, 3, 4]


def test_a_seed_gives_the_same_game(session):
    boards = []
    for seed in (5, 5, 6):
        pretext_game.new_game(session, seed)
        boards.append(re.sub(r"\d+:0:", "", game_views(session)[1]))
    assert boards[0] == boards[1] != boards[2]


def test_the_name_of_a_picture_stays_text(session):
    model = shipped.load("rotation")
    pictures = replace(model.split.held_out, names=tuple(f'{ATTACK}"' for _ in model.split.held_out.names))
    session.uploads[LOADED] = (replace(model, split=Split(pictures, pictures)), ATTACK)
    game_views(session)
    _, board, score = play_round(session)
    assert "&lt;img src=x" in board
    assert "&lt;img src=x" in score
    assert "<img src=x" not in board + score
    assert 'alert(1)&gt;"' not in board


def test_without_a_model_or_its_pictures_a_sentence_says_what_to_do(session, monkeypatch):
    model = shipped.load("rotation")
    session.uploads[LOADED] = (replace(model, split=no_pictures(32)), "")
    note, board, score = game_views(session)
    assert "press Train" in text(note)
    assert (board, score) == ("", "")
    assert play(session, NEXT) == ""
    monkeypatch.setattr(pretext_game, "model_of", lambda session: (None, "There is no net yet: press Train."))
    pretext_game.new_game(session)
    assert play(session, "1:0:0") == ""
    assert [text(value) for value in game_views(session)] == ["There is no net yet: press Train.", "", ""]


def test_what_the_net_refuses_is_one_sentence_and_the_round_stays_open(rotating, monkeypatch):
    def refuse(*_):
        raise PuzzleError("This net takes <64> pixels.")

    monkeypatch.setattr(pretext_game, "model_answer", refuse)
    note, board, _ = play_round(rotating)
    assert alerts(note) == ["This net takes &lt;64&gt; pixels."]
    assert game_in(rotating).open
    assert "The net answers when you do" in board


def test_pictures_that_cannot_be_dealt_are_one_sentence(session, monkeypatch):
    def refuse(*_):
        raise PuzzleError("Pictures have 48 pixels a side.")

    monkeypatch.setattr(pretext_game, "deal_game", refuse)
    note, board, score = game_views(session)
    assert alerts(note) == ["Pictures have 48 pixels a side."]
    assert (board, score) == ("", "")
    pretext_game.new_game(session)
    assert play(session, "1:0:0") == "Pictures have 48 pixels a side."


def test_the_net_of_this_moment_answers_and_its_step_is_told(session):
    model = shipped.load("rotation")
    for step in (10, 1_230):
        session.uploads[LOADED] = (replace(model, step=step), "Your own net answers.")
        game_views(session)
        _, board, score = play_round(session)
        play(session, NEXT)
        assert f", after {step:,} steps" in text(board)
        assert f"The net has had {step:,} steps." in text(score)
    assert [said.step for said in game_in(session).answered] == [10, 1_230]
    assert game_in(session).number == 1, "a net that learns goes on with the same game"


def test_while_a_training_goes_on_the_score_names_its_step_and_the_puzzle_is_left_alone(rotating, monkeypatch):
    assert live_view(rotating) == gr.skip()
    rotating.drive(TAB)
    model = replace(shipped.load("rotation"), step=77)
    monkeypatch.setattr(pretext_game, "model_of", lambda session: (model, "It learns."))
    monkeypatch.setattr(pretext_game, "board_html", None)
    assert "The net has had 77 steps." in text(live_view(rotating))
    monkeypatch.setattr(pretext_game, "model_of", lambda session: (shipped.load("jigsaw"), "It learns."))
    assert "press New game" in text(live_view(rotating))
    monkeypatch.setattr(pretext_game, "model_of", lambda session: (None, ""))
    assert live_view(rotating) == gr.skip()
    rotating.uploads.pop(KEPT)
    assert live_view(rotating) == gr.skip()


def test_the_clock_runs_from_when_the_round_is_seen(rotating, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(pretext_game.time, "monotonic", lambda: now[0])
    pretext_game.restart_clock(rotating)
    game_views(rotating)
    now[0] = 104.5
    game_views(rotating)
    play_round(rotating)
    play(rotating, NEXT)
    game_views(rotating)
    now[0] = 106.0
    _, _, score = play_round(rotating)
    assert [said.seconds for said in game_in(rotating).answered] == [4.5, 1.5]
    assert "You took 6.0 s" in text(score)


@pytest.mark.parametrize(("yours", "nets", "end"), [(10, 9, "you win"), (3, 8, "the net wins"), (4, 4, "a draw")])
def test_the_end_says_who_won(rotating, yours, nets, end):
    game = game_in(rotating)
    for number, asked in enumerate(game.rounds):
        wrong = (asked.right + 1) % 4
        said = (asked.right if number < yours else wrong, asked.right if number < nets else wrong)
        game.answered.append(Answered(*said, np.full(4, 0.25), 1.0, 0.001, 5))
    game.at = 9
    told = text(score_html(game, 5, ""))
    assert f"You got {yours} of 10, the net {nets} of 10: {end}. Guessing gets about 2.5." in told
    assert "You took 10.0 s, the net 10 ms." in told


def test_the_pieces_and_the_outline_are_where_the_hole_and_the_tile_are(session):
    choose_task(session, "inpainting")
    game_views(session)
    asked = game_in(session).rounds[0]
    piece = pretext_game_view.piece_of(asked, asked.right)
    rows, columns = asked.area.any(1), asked.area.any(0)
    assert np.array_equal(piece, asked.solved[np.ix_(rows, columns)])
    choose_task(session, "jigsaw")
    board = game_views(session)[1]
    area = game_in(session).rounds[0].area
    top, left, height, width = (float(part) * 32 / 100 for part in re.findall(r":([\d.]+)%", board)[:4])
    assert round(top) == np.flatnonzero(area.any(1))[0]
    assert round(left) == np.flatnonzero(area.any(0))[0]
    assert (round(height), round(width)) == (area.any(1).sum(), area.any(0).sum())


def test_an_answered_option_keeps_its_place_for_the_focus_and_says_whose_it_was(rotating):
    open_board = board_html(game_in(rotating))
    _, board, _ = play_round(rotating)
    right = game_in(rotating).rounds[0].right
    assert picks_of(board) == picks_of(open_board)
    said = f"{pretext_game_view.SIDES[right]}, correct, your answer(, the net's answer)?"
    assert re.search(f'aria-label="{said}" aria-disabled="true"', board)


def test_the_events_work_from_the_page_and_without_one(store, session):
    with gr.Blocks() as demo:
        with gr.Tabs(), gr.Tab("Play") as tab:
            part = pretext_game.lay_out_game()
        changed = gr.Button()
        pretext_game.wire_game(store, part, tab, [changed.click])
    assert part.live in part.views
    named = {fn.api_name: fn for fn in demo.fns.values() if fn.api_name}
    assert {"pretext_answer", "pretext_new_game"} <= set(named)

    class Request:
        session_hash = "page"

    told = named["pretext_answer"].fn(Request(), gr.EventData(None, {"pick": ["1:0:0"]}))
    assert len(told) == len(part.views)
    assert len(named["pretext_answer"].fn(Request())) == len(part.views)
    game = game_in(session)
    assert game.answered == []
    named["pretext_answer"].fn(Request(), gr.EventData(None, {"pick": pick_of(game, 0)}))
    assert len(game.answered) == 1
    named["pretext_new_game"].fn(Request())
    assert game_in(session).number == game.number + 1
    assert pretext_state.chosen_task(session) == "rotation"
