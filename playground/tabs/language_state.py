"""What the parts of the Language tab share: which models answer, and where they come from."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

from backends.language.config import TITLES
from playground.figures import style
from playground.session import Session, worth_keeping

if TYPE_CHECKING:
    from backends.language.tokens import Tokens
    from backends.language.trainer import FrozenLanguage
    from backends.language.trio import FrozenTrio

TAB = "language"
LOADED = worth_keeping("language_loaded")
"""In `Session.uploads`: by method, a model that the visitor brought, and the line that says so."""
COLOURS = {"bert": style.ACCENT, "t5": style.HIGHLIGHT, "gpt": style.GOOD}
"""Of each model, wherever the three are compared; in the style sheet .of-bert, .of-t5 and .of-gpt."""


def model_of(session: Session, method: str) -> tuple[FrozenLanguage | None, str]:
    """The model of a method that answers, and a line that says where it comes from; None where there is none.

    What the visitor brought answers, else the visitor's own run, else the one that this project ships.
    """
    from backends.engine.checkpoints import CheckpointError
    from backends.language import shipped

    loaded = session.uploads.get(LOADED, {}).get(method)
    if loaded is not None and not session.is_driven(TAB):
        model, line = loaded
        return model, line
    own = own_model_of(session, method)
    if own is not None:
        return own, f"Your own {TITLES[method]} answers, after {own.step:,} steps."
    try:
        return shipped.load(method), shipped.origin(method)
    except CheckpointError:
        return None, f"There is no {TITLES[method]} yet: press Train."


def own_model_of(session: Session, method: str) -> FrozenLanguage | None:
    """The model of the visitor's run, if it trains that method."""
    run = session.runs.get(TAB)
    if run is None:
        return None
    frozen: FrozenTrio = run.frozen
    return frozen.models.get(method)


def own_models_of(session: Session) -> dict[str, FrozenLanguage]:
    """All models of the visitor's run, by method."""
    run = session.runs.get(TAB)
    return {} if run is None else dict(run.frozen.models)


def marked_text(tokens: Tokens, instead: Mapping[int, str]) -> str:
    """A text as HTML, as it was written; at some of its tokens' places stands other HTML."""
    parts, before = [], 0
    for place, (start, end) in enumerate(tokens.offsets):
        if place in instead:
            parts += [html.escape(tokens.text[before:start]), instead[place]]
        else:
            parts.append(html.escape(tokens.text[before:end]) if end > before else "")
        before = max(before, end)
    return "".join(parts)
