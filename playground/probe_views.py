"""What a run's features know, as its tab shows it: the table of probes, their curves, and the loss."""

from __future__ import annotations

from collections.abc import Sequence

from backends.data.pictures import PictureSet
from backends.engine.trainer import Snapshot
from playground.components import answers
from playground.components.plotly_view import pack
from playground.figures import curves, style
from playground.figures.knowledge import knowledge_table
from playground.picture_map import PictureModel
from playground.session import Run

CURVE_COLOURS = (style.ACCENT, style.HIGHLIGHT)
"""Of the factors whose curves are drawn, the first ones of the set."""
WAITING = "Press Train: what the features know appears here."
NOTHING_TO_PROBE = "These pictures have one class only, so there is nothing to probe."


def labels_of(pictures: PictureSet) -> dict[str, str]:
    """The factors' labels by name, in the set's order."""
    return {name: factor.label for name, factor in pictures.factors.items()}


def knowledge_html(model: PictureModel | None) -> str:
    """The table of what a model's features know of each factor, or why there is none."""
    if model is None:
        return answers.sentence(WAITING)
    if not model.probed.scores:
        return answers.sentence(NOTHING_TO_PROBE)
    return knowledge_table(
        model.probed.scores,
        model.untrained.scores,
        model.pixels,
        labels_of(model.split.held_out),
        f"What the features know, {model.probed.step:,} steps",
    )


def knowledge_figure(run: Run) -> str:
    """The first two factors' neighbour accuracy over the steps."""
    labels = labels_of(run.frozen.split.held_out)
    lines = []
    for factor, colour in zip(list(labels)[: len(CURVE_COLOURS)], CURVE_COLOURS, strict=False):
        points = [(s.step, s.metrics[f"knn_{factor}"]) for s in run.history if f"knn_{factor}" in s.metrics]
        lines.append((labels[factor], [p[0] for p in points], [p[1] for p in points], colour, "solid"))
    total = run.snapshot.total if run.snapshot else 1
    title = "Held-out pictures whose neighbours agree"
    return pack(curves.named_curves(lines, total, title=title, step_title="steps", share=True))


def empty_knowledge() -> str:
    """The chart of the probes before training."""
    title = "Probes: appear here while you train"
    return pack(curves.named_curves([], 1.0, title=title, step_title="steps", share=True))


def loss_figure(run: Run, pinned: Sequence[Snapshot] | None = None) -> str:
    """The loss so far, with a pinned run's behind it."""
    figure = curves.metric_curve(
        *loss_points(run.history),
        run.snapshot.total if run.snapshot else 1,
        title="Loss" + (" (dotted: pinned)" if pinned is not None else ""),
        step_title="steps",
        value_title="",
        pinned=loss_points(pinned) if pinned is not None else None,
    )
    return pack(figure)


def empty_loss() -> str:
    """The loss chart before training."""
    title = "Loss: appears here while you train"
    return pack(curves.metric_curve([], [], 1.0, title=title, step_title="steps", value_title=""))


def loss_points(history: Sequence[Snapshot]) -> tuple[list[float], list[float]]:
    """Steps, and the loss there."""
    return [float(snapshot.step) for snapshot in history], [snapshot.metrics["loss"] for snapshot in history]
