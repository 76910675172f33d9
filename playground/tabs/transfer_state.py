"""What the parts of the Transfer tab share: which of the visitor's own runs there are to take features from."""

from __future__ import annotations

from typing import Any

from backends.transfer.config import OWN_RUNS
from playground.session import Session
from playground.tabs import clip_state, language_state, mae_state, pretext_state, simclr_state, word2vec_map

TAB, TABLE = "transfer", "transfer_table"
RUN_TABS = {
    "own-simclr": simclr_state.TAB,
    "own-mae": mae_state.TAB,
    "own-pretext": pretext_state.TAB,
    "own-clip": clip_state.TAB,
    "own-word2vec": word2vec_map.TAB,
    "own-bert": language_state.TAB,
    "own-gpt": language_state.TAB,
}
"""Where the runs behind the encoders of `OWN_RUNS` are kept."""
LANGUAGE_METHODS = {"own-bert": "bert", "own-gpt": "gpt"}
"""A run of the Language tab has one model or three."""


def own_runs(session: Session) -> dict[str, Any]:
    """Frozen copies of the visitor's runs as they are now, by the names that Transfer has for them."""
    found = {}
    for name in OWN_RUNS:
        run = session.runs.get(RUN_TABS[name])
        if run is None or run.snapshot is None:
            continue
        model = run.frozen.models.get(LANGUAGE_METHODS[name]) if name in LANGUAGE_METHODS else run.frozen
        if model is not None:
            found[name] = model
    return found


def missing_run(session: Session, *names: str) -> str:
    """What to do about encoders of the visitor's own that are not there; "" where nothing is missing."""
    for name in names:
        if name in OWN_RUNS and name not in own_runs(session):
            model, tab = OWN_RUNS[name]
            return f"There is no {model} run of yours yet: train one in the tab {tab}, then come back."
    return ""
