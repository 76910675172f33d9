"""What the parts of the Transfer tab share: which of the visitor's own runs there are to take features from."""

from __future__ import annotations

from typing import Any

from backends.transfer.config import OWN_RUNS
from playground.session import Session
from playground.tabs import clip_state, mae_state, pretext_state, simclr_state

TAB, TABLE = "transfer", "transfer_table"
RUN_TABS = {
    "own-simclr": simclr_state.TAB,
    "own-mae": mae_state.TAB,
    "own-pretext": pretext_state.TAB,
    "own-clip": clip_state.TAB,
}
"""Where the runs behind the encoders of `OWN_RUNS` are kept."""


def own_runs(session: Session) -> dict[str, Any]:
    """Frozen copies of the visitor's runs as they are now, by the names that Transfer has for them."""
    found = {}
    for name in OWN_RUNS:
        run = session.runs.get(RUN_TABS[name])
        if run is not None and run.snapshot is not None:
            found[name] = run.frozen
    return found


def missing_run(session: Session, *names: str) -> str:
    """What to do about encoders of the visitor's own that are not there; "" where nothing is missing."""
    for name in names:
        if name in OWN_RUNS and name not in own_runs(session):
            return (
                f"There is no {OWN_RUNS[name]} run of yours yet: train one in the tab {OWN_RUNS[name]}, then come back."
            )
    return ""
