"""What a game of ten rounds looks like: the board with its buttons, what came of an answer, and the score."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from playground.components import answers
from playground.components.sprites import exact_url
from playground.tabs.pretext_state import PLACES

if TYPE_CHECKING:
    from backends.pretext.game import Round
    from playground.tabs.pretext_game import Answered, Game

NEXT = "next"
MAX_NAME_CHARS = 60
QUESTIONS = {
    "rotation": "This picture has been turned. Which side is its top?",
    "inpainting": "Which piece was cut out?",
    "jigsaw": "Where does the outlined tile belong?",
}
SIDES = ("top", "right", "bottom", "left")
ARROWS = ("↑", "→", "↓", "←")
SPEAKS = {
    "rotation": "How sure the net was",
    "inpainting": "How near each piece is to what the net painted",
    "jigsaw": "How sure the net was",
}


def board_html(game: Game) -> str:
    """The round that is shown: the puzzle, its options as buttons, and after the answer what came of it."""
    asked = game.rounds[game.at]
    said = None if game.open else game.answered[game.at]
    puzzles = {"rotation": _rotation_html, "inpainting": _inpainting_html, "jigsaw": _jigsaw_html}
    label = "New game" if game.over else "Next"
    waiting = ' aria-disabled="true"' if said is None else ""
    after = "" if said is None else _after_html(asked, said)
    return (
        f'<p class="pt-game-ask"><b>{game.at + 1} of {len(game.rounds)}</b> {QUESTIONS[asked.task]}</p>'
        f'<div class="pt-game-body"><div class="pt-game-puzzle {asked.task}">{puzzles[asked.task](game, asked, said)}'
        f'</div><div class="pt-game-after"><div class="pt-game-verdicts" aria-live="polite">'
        f"{_verdicts_html(asked, said)}</div>"
        f'<button type="button" class="pt-game-next" data-pick="{NEXT}"{waiting}>{label}</button>{after}</div></div>'
    )


def option_name(task: str, option: int) -> str:
    """What an option is called."""
    if task == "rotation":
        return SIDES[option]
    return PLACES[option] if task == "jigsaw" else f"piece {option + 1}"


def piece_of(asked: Round, option: int) -> np.ndarray:
    """A piece by itself: (h, w, 3) uint8, the rectangle around the hole; what is not in the hole is the picture's."""
    top, left, height, width = _bounds(asked.area)
    piece: np.ndarray = asked.pieces[option][top : top + height, left : left + width]
    return piece


def _bounds(area: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, height and width of the rectangle around an area."""
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def _picture(asked: Round, over: str = "") -> str:
    words = {"rotation": "a turned picture", "inpainting": "a picture with a hole", "jigsaw": "shuffled tiles"}
    shown = f'<img src="{exact_url(asked.image)}" alt="The puzzle: {words[asked.task]}">'
    return f'<div class="pt-game-seen">{shown}{over}</div>'


def _option(game: Game, said: Answered | None, option: int, face: str, kind: str = "") -> str:
    """A button for an option; after the answer it keeps its place and the focus, and says whose it was."""
    asked = game.rounds[game.at]
    tags: list[tuple[str, str]] = []
    if said is not None:
        whose = (
            ("✓", "correct", asked.right),
            ("you", "your answer", said.yours),
            ("net", "the net's answer", said.nets),
        )
        tags = [(short, spoken) for short, spoken, chosen in whose if chosen == option]
    told = ", ".join([option_name(asked.task, option), *(spoken for _, spoken in tags)])
    classes = f"{kind} right" if said is not None and option == asked.right else kind
    disabled = "" if said is None else ' aria-disabled="true"'
    small = f"<small>{' '.join(short for short, _ in tags)}</small>" if tags else ""
    return (
        f'<button type="button" class="pt-game-option {classes}" data-pick="{game.number}:{game.at}:{option}" '
        f'aria-label="{told}"{disabled}>{face}{small}</button>'
    )


def _rotation_html(game: Game, asked: Round, said: Answered | None) -> str:
    sides = [
        _option(game, said, side, f'<span aria-hidden="true">{ARROWS[side]}</span> {SIDES[side]}', f"at-{SIDES[side]}")
        for side in range(asked.options)
    ]
    return _picture(asked) + "".join(sides)


def _inpainting_html(game: Game, asked: Round, said: Answered | None) -> str:
    pieces = [
        _option(game, said, option, f'<img src="{exact_url(piece_of(asked, option))}" alt="">')
        for option in range(asked.options)
    ]
    return _picture(asked) + f'<div class="pt-game-pieces">{"".join(pieces)}</div>'


def _jigsaw_html(game: Game, asked: Round, said: Answered | None) -> str:
    side = asked.area.shape[0]
    top, left, height, width = (100 * part / side for part in _bounds(asked.area))
    outline = f'<i style="top:{top:.2f}%;left:{left:.2f}%;height:{height:.2f}%;width:{width:.2f}%"></i>'
    places = [
        _option(game, said, option, f"<span>{PLACES[option]}</span>" if said is None else "")
        for option in range(asked.options)
    ]
    return _picture(asked, outline) + f'<div class="pt-game-places">{"".join(places)}</div>'


def _verdicts_html(asked: Round, said: Answered | None) -> str:
    """Who was right."""
    if said is None:
        return '<p class="pt-game-verdict">The net answers when you do.</p>'
    return _verdict("You", asked, said.yours) + _verdict("The net", asked, said.nets)


def _verdict(who: str, asked: Round, option: int) -> str:
    style, mark = ("right", "✓ correct") if option == asked.right else ("wrong", "✗ wrong")
    return f'<p class="pt-game-verdict {style}">{who} said {option_name(asked.task, option)}: <em>{mark}</em></p>'


def _after_html(asked: Round, said: Answered) -> str:
    """The solved picture, and how sure the net was."""
    name = html.escape(asked.name[:MAX_NAME_CHARS], quote=True)
    shown = (
        f'<figure><img src="{exact_url(asked.solved)}" alt="Solved: {name}"><figcaption>{name}</figcaption></figure>'
    )
    if said.painting is not None:
        painting = exact_url(said.painting)
        shown += (
            f'<figure><img src="{painting}" alt="What the net painted"><figcaption>the net\'s</figcaption></figure>'
        )
    rows = "".join(
        f'<tr class="{"right" if option == asked.right else ""}">'
        f'<th scope="row">{option_name(asked.task, option)}</th>'
        f'<td class="bar"><span style="width:{100 * share:.0f}%"></span></td><td class="num">{share:.0%}</td></tr>'
        for option, share in enumerate(said.shares)
    )
    caption = f"{SPEAKS[asked.task]}, after {said.step:,} steps"
    return (
        f'<div class="pt-game-solved">{shown}</div>'
        f'<table class="ranked pt-game-bars"><caption>{caption}</caption><tbody>{rows}</tbody></table>'
    )


def score_html(game: Game, step: int, line: str) -> str:
    """How it stands: the score, each round's marks, how long both took, and which net plays."""
    yours, nets = game.right()
    count = len(game.answered)
    result = f'<p class="pt-game-result">{html.escape(result_of(game))}</p>' if game.over else ""
    told = f" {step:,} steps"
    steps = "" if told in line else answers.sentence(f"The net has had{told}.")
    return (
        f'<p class="pt-game-score">You <b>{yours} of {count}</b> · The net <b>{nets} of {count}</b></p>'
        f"{result}{_strip_html(game)}{_times_html(game)}{answers.sentence(line)}{steps}"
    )


def result_of(game: Game) -> str:
    """The end in one sentence."""
    yours, nets = game.right()
    count, guessed = len(game.rounds), sum(1 / asked.options for asked in game.rounds)
    ahead = "you win" if yours > nets else "the net wins" if nets > yours else "a draw"
    return f"You got {yours} of {count}, the net {nets} of {count}: {ahead}. Guessing gets about {guessed:.1f}."


def spoken_time(seconds: float) -> str:
    """Seconds, or below one of them milliseconds."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _strip_html(game: Game) -> str:
    numbers = "".join(
        f'<th scope="col" aria-current="{"step" if i == game.at else "false"}">{i + 1}</th>'
        for i in range(len(game.rounds))
    )
    rows = "".join(
        f'<tr><th scope="row">{who}</th>'
        + "".join(
            _mark(getattr(game.answered[i], whose) == asked.right if i < len(game.answered) else None)
            for i, asked in enumerate(game.rounds)
        )
        + "</tr>"
        for who, whose in (("You", "yours"), ("Net", "nets"))
    )
    return f'<table class="pt-game-strip"><thead><tr><td></td>{numbers}</tr></thead><tbody>{rows}</tbody></table>'


def _mark(is_right: bool | None) -> str:
    if is_right is None:
        return "<td>·</td>"
    word, sign = ("right", "✓") if is_right else ("wrong", "✗")
    return f'<td class="{word}" aria-label="{word}">{sign}</td>'


def _times_html(game: Game) -> str:
    if not game.answered:
        return ""
    yours, nets = (sum(getattr(said, whose) for said in game.answered) for whose in ("seconds", "net_seconds"))
    return answers.sentence(f"You took {spoken_time(yours)}, the net {spoken_time(nets)}.")
