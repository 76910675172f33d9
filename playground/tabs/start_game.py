"""Can you name these? Ten rounds of odd-one-out, played by the visitor, by features without labels, and by pixels."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from backends.engine.checkpoints import CheckpointError
from backends.start.odd_one_out import CHANCE, PICTURES, Opinion, Round
from playground.components import answers
from playground.components.pick_area import NO_EVENT, pick_area, picked
from playground.components.sprites import data_url
from playground.session import Session, SessionStore
from playground.tabs.tab import QUICK

KEPT = "start_odd_one_out"
ROUNDS = 10
NEXT, NEXT_KEY = "next", "n"
DRAWING = answers.sentence("The creatures are being drawn.")
PLAYERS = (("You", "yours"), ("Model", "model"), ("Pixels", "pixels"))
_PICK = re.compile(r"(\d{1,6}):(\d{1,3}):(\d)", re.ASCII)
_dealing = threading.Lock()


@dataclass(frozen=True)
class GamePart:
    """The components of the part."""

    board: gr.HTML
    score: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `game_views` makes values for."""
        return [self.board, self.score]


@dataclass(frozen=True, eq=False)
class Answered:
    """What was said in one round: places from 0, and why."""

    yours: int
    learned: Opinion
    raw: Opinion

    @property
    def model(self) -> int:
        """The model's answer."""
        return self.learned.odd

    @property
    def pixels(self) -> int:
        """The answer of raw pixels."""
        return self.raw.odd


@dataclass
class Game:
    """Ten rounds and how far they are.

    Attributes:
        number: of the games of this session.
        rounds: what is asked.
        answered: what was said, in order.
        at: the round that is shown.
        pictures: of rounds that were seen, as data URLs: a hundredth of what the pixels take.
    """

    number: int
    rounds: list[Round]
    answered: list[Answered] = field(default_factory=list)
    at: int = 0
    pictures: dict[int, list[str]] = field(default_factory=dict, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def open(self) -> bool:
        """Whether the round that is shown waits for an answer."""
        return len(self.answered) <= self.at

    @property
    def over(self) -> bool:
        """Whether every round was answered."""
        return len(self.answered) == len(self.rounds)

    def seen(self) -> list[str]:
        """The pictures of the round that is shown, as data URLs."""
        at = self.at
        if at not in self.pictures:
            self.pictures[at] = [data_url(picture) for picture in self.rounds[at].shown]
        return self.pictures[at]

    def right(self, whose: str) -> int:
        """How many rounds "yours", "model" or "pixels" got right."""
        pairs = zip(self.rounds, self.answered, strict=False)
        return sum(int(getattr(said, whose) == asked.odd) for asked, said in pairs)


def lay_out_game() -> GamePart:
    """Lay the part out where it is called."""
    with gr.Row(elem_classes=["start-game-row"]):
        board = pick_area(DRAWING, elem_id="start-game-board", elem_classes=["start-game-board"], keys=True)
        score = answers.html_area(elem_id="start-game-score", elem_classes=["start-game-side"])
    return GamePart(board, score)


def wire_game(store: SessionStore, part: GamePart, tab: gr.Tab) -> None:
    """Wire the part; it is filled when its tab is seen."""

    def on_seen(request: gr.Request) -> list[Any]:
        return game_views(store.of(str(request.session_hash)))

    def on_pick(request: gr.Request, event: gr.EventData = NO_EVENT) -> list[Any]:
        return game_views(store.of(str(request.session_hash)), picked(event._data))

    tab.select(on_seen, None, part.views, trigger_mode="always_last", api_name=False, **QUICK)
    part.board.pick(on_pick, None, part.views, api_name="start_odd_one_out", **QUICK)


def play(session: Session, pick: str) -> None:
    """Take a click: "next", or an answer as "game:round:picture"; one that fits nothing on the page changes nothing.

    Raises:
        CheckpointError: the model that plays is missing or damaged.
    """
    game: Game | None = session.uploads.get(KEPT)
    if game is None:
        return
    if pick == NEXT:
        go_on(session, game)
        return
    found = _PICK.fullmatch(pick)
    if found is None:
        return
    number, at, place = map(int, found.groups())
    with game.lock:
        if (number, at) == (game.number, game.at) and game.open and place < PICTURES:
            game.answered.append(answered(game.rounds[at], place))


def answered(asked: Round, place: int) -> Answered:
    """The visitor's answer beside those of the shipped model's features and of the pixels."""
    from backends.start import odd_one_out, shipped

    learned = odd_one_out.opinion(shipped.features(asked.seen))
    return Answered(place, learned, odd_one_out.opinion(odd_one_out.pixels(asked.seen)))


def go_on(session: Session, game: Game) -> None:
    """Show the next round, or after the last a new game; an open round stays."""
    with game.lock:
        if game.open:
            return
        if not game.over:
            game.at += 1
            return
    with _dealing:
        if session.uploads.get(KEPT) is game:
            session.uploads[KEPT] = _deal(game.number + 1)


def game_of(session: Session) -> Game:
    """The game that is played; dealt where there is none."""
    with _dealing:
        kept: Game | None = session.uploads.get(KEPT)
        if kept is None:
            kept = session.uploads[KEPT] = _deal(1)
        return kept


def _deal(number: int) -> Game:
    from backends.start import odd_one_out, shipped

    return Game(number, odd_one_out.deal(ROUNDS, secrets.randbelow(1 << 31), shipped.SIZE))


def game_views(session: Session, pick: str = "") -> list[Any]:
    """Values of the board and of the score, after a click where one is given."""
    from backends.start import shipped

    try:
        play(session, pick)
        card = shipped.card()
        game = game_of(session)
    except CheckpointError as error:
        return [answers.problem(f"The model that plays is not here: {error}"), ""]
    return [board_html(game), score_html(game, card)]


def board_html(game: Game) -> str:
    """Four pictures to choose from; when answered, who said what, and by which numbers."""
    asked = game.rounds[game.at]
    said = None if game.open else game.answered[game.at]
    figures = "".join(_picture_html(game, asked, said, place) for place in range(PICTURES))
    question = "Which one is of another kind? You need no name for it." if said is None else _verdict(asked, said)
    return (
        '<div class="start-ask-row"><p class="start-ask" aria-live="polite">'
        f"<b>{game.at + 1} of {len(game.rounds)}</b> {question}</p>"
        f'{_next_html(game)}</div><div class="start-creatures">{figures}</div>{_why_html(said)}'
    )


def score_html(game: Game, card: dict[str, Any]) -> str:
    """How it stands, and what the card measured over many rounds."""
    count = len(game.answered)
    rows = "".join(
        f'<tr><th scope="row">{who}</th>{_marks(game, whose)}<td class="num">{game.right(whose)} of {count}</td></tr>'
        for who, whose in PLAYERS
    )
    measured = card["metrics"]
    table = f'<table class="start-score"><caption>Right so far</caption><tbody>{rows}</tbody></table>'
    chance = f"Guessing is right in {CHANCE:.0%}."
    if game.over:
        yours, model, raw = (game.right(whose) for _, whose in PLAYERS)
        chance = f"You {yours}, the model {model}, pixels {raw} of {count}; guessing gets {count * CHANCE:.1f}."
    return (
        table
        + f'<p class="start-said">{chance}</p>'
        + answers.sentence(
            f"Over {measured['rounds']:,} such rounds the model is right in {measured['odd_one_out']:.0%}, an "
            f"untrained net in {measured['untrained_odd_one_out']:.0%}, pixels in {measured['pixels_odd_one_out']:.0%}."
        )
        + answers.sentence(
            f"{card['origin']} It was given no labels, and has seen none of the species that are asked here. "
            f"It sees {card['size']} × {card['size']} pixels."
        )
    )


def _picture_html(game: Game, asked: Round, said: Answered | None, place: int) -> str:
    image = game.seen()[place]
    if said is None:
        return (
            f'<button class="start-creature" data-pick="{game.number}:{game.at}:{place}" data-key="{place + 1}" '
            f'aria-label="Picture {place + 1} is of another kind"><img src="{image}" alt="">'
            f"<kbd>{place + 1}</kbd></button>"
        )
    odd = place == asked.odd
    yours = '<span class="start-yours">you</span>' if place == said.yours else ""
    return (
        f'<figure class="start-creature {"odd" if odd else ""}"><img src="{image}" alt="Picture {place + 1}">'
        f"<figcaption><p>{'<b>the odd one</b>' if odd else ''}{yours}</p><table><tbody>"
        f"{_likeness_html('model', said.learned, place)}{_likeness_html('pixels', said.raw, place)}"
        "</tbody></table></figcaption></figure>"
    )


def _likeness_html(who: str, opinion: Opinion, place: int) -> str:
    """How alike a picture is to the other three; the least, which is the answer, is marked."""
    mark = "least" if place == opinion.odd else ""
    number = f'<td class="num">{opinion.mean[place]:.2f}</td>'
    return f'<tr class="{mark}"><th scope="row">{who}</th>{number}<td>{mark}</td></tr>'


def _verdict(asked: Round, said: Answered) -> str:
    yours = "You are right" if said.yours == asked.odd else "Not that one"
    model = "the model is right" if said.model == asked.odd else "the model is wrong"
    joined = "and" if (said.yours == asked.odd) == (said.model == asked.odd) else "but"
    return f"{yours}, {joined} {model}."


def _why_html(said: Answered | None) -> str:
    if said is None:
        return answers.sentence("The model and the pixels answer when you do.")
    return answers.sentence(
        "The numbers: how alike a picture is to the other three, as the mean cosine of the model's features or of the "
        "pixels. The least alike is the answer."
    )


def _next_html(game: Game) -> str:
    if game.open:
        return ""
    label = "Ten other rounds" if game.over else "Next round"
    return f'<button class="start-go" data-pick="{NEXT}" data-key="{NEXT_KEY}">{label} <kbd>{NEXT_KEY}</kbd></button>'


def _marks(game: Game, whose: str) -> str:
    cells = ""
    for number, asked in enumerate(game.rounds):
        if number >= len(game.answered):
            cells += "<td>·</td>"
            continue
        right = getattr(game.answered[number], whose) == asked.odd
        word, sign = ("right", "✓") if right else ("wrong", "✗")
        cells += f'<td class="{word}" aria-label="{word}">{sign}</td>'
    return cells
