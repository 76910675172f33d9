"""What the parts of the MAE tab share: which model and which pictures a visitor works with now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.session import Session, worth_keeping

if TYPE_CHECKING:
    from backends.mae.trainer import FrozenMAE

TAB = "mae"
RATIOS = "mae_ratios"
LOADED = worth_keeping("mae_loaded")


def model_of(session: Session) -> tuple[FrozenMAE | None, str]:
    """The model that answers questions, and a line that says where it comes from; None where there is none."""
    from backends.engine.checkpoints import CheckpointError
    from backends.mae import shipped

    loaded: tuple[FrozenMAE, str] | None = session.uploads.get(LOADED)
    if loaded is not None and not session.is_driven(TAB):
        return loaded
    run = session.runs.get(TAB)
    if run is not None:
        return run.frozen, f"Your own run paints{'' if run.snapshot else ', before its first step'}."
    try:
        model = shipped.load(shipped.FIRST)
    except CheckpointError:
        return None, "There is no model yet: press Train."
    return model, f"{shipped.origin(shipped.FIRST)} Press Train to make your own."
