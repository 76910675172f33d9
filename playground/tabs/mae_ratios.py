"""Why 75 %? The same net at several mask ratios: what its features know, and how hard the puzzle is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from backends.mae.config import MAEConfig
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import RunPanel, TabRun, device_name
from playground.controls import Controls
from playground.figures.mask_ratios import FactorLine, error_curves, ratio_chart
from playground.own_pictures import own_pictures
from playground.probe_views import NOTHING_TO_PROBE, labels_of
from playground.session import Run, Session, SessionStore
from playground.tabs.mae_state import RATIOS, TAB

if TYPE_CHECKING:
    from backends.mae.sweep import RatioPoint

INTRODUCTION = (
    "On ImageNet a linear probe found most in the features when 75 % was hidden (He et al., 2022, figure 5). Here the "
    "same net is trained from the same start at four ratios, with your settings; the steps are shared out among them."
)
TELLING = ("colour", "shape", "light")
"""The factors that are drawn, where a set has them all; of another set the first ones."""
MAX_FACTORS = 3
CLEAR = 2.0
"""Two scores differ clearly where they are so many standard errors of their difference apart."""
KNOWN_TITLE = "What a linear probe finds in the features"
ERROR_TITLE = "Masked error, share of guessing the visible mean"
CURVES_TITLE = "Masked error over the steps, share of guessing"


@dataclass(frozen=True)
class RatiosPart:
    """The components of this part."""

    panel: RunPanel
    chart: gr.HTML
    curves: gr.HTML
    findings: gr.HTML


def lay_out_ratios(store: SessionStore) -> RatiosPart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["ablation-row"]):
        with gr.Column(scale=0, min_width=280, elem_classes=["ablation-ask"]):
            answers.html_area(f"<p class='prose'>{INTRODUCTION}</p>")
            panel = RunPanel(store, "mae-ratios", "Run")
            findings = answers.html_area(elem_id="mae-ratios-findings")
        with gr.Column(min_width=420):
            chart = plotly_view(
                label="What features know and how well is painted at each mask ratio",
                height=380,
                elem_id="mae-ratios-chart",
            )
            curves = plotly_view(
                label="Masked error over the steps at each mask ratio", height=200, elem_id="mae-ratios-curves"
            )
    return RatiosPart(panel, chart, curves, findings)


def wire_ratios(store: SessionStore, part: RatiosPart, controls: Controls) -> TabRun:
    """Wire the sweep; returns its run for the tab's restoring."""
    run = TabRun(
        tab=RATIOS,
        controls=controls,
        make_trainer=partial(make_trainer, store),
        views=[part.chart, part.curves, part.findings],
        draw=draw,
        first_views=first_views,
        describe=describe,
        pauses=(TAB,),
    )
    part.panel.wire(run)
    return run


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Line the ratios up for the tab's settings."""
    from backends.mae.sweep import MaskRatioSweep

    assert isinstance(config, MAEConfig)
    return MaskRatioSweep(config, pictures=own_pictures(session), device=store.device)


def draw(session: Session, run: Run, everything: bool) -> list[Any]:
    """Both charts and what was found; None each while nothing new was measured."""
    points: Sequence[RatioPoint] = run.frozen
    known = [(point.errors, point.scores, point.curve, point.done) for point in points]
    if run.views.get("known") == known and not everything:
        return [None, None, None]
    run.views["known"] = known
    trainer: Any = run.trainer
    labels = labels_of(trainer.split.held_out)
    tested = tested_on(trainer.config, len(trainer.split.held_out))
    return [pack(chart_of(points, labels, tested)), pack(curves_of(points)), findings_html(points, labels, tested)]


def first_views(session: Session) -> list[Any]:
    """Empty charts that say what will appear."""
    return [
        pack(ratio_chart([], [], [], title="What features know at each ratio appears here", error_title="")),
        pack(error_curves([], [], 1.0, title="The error at each ratio appears here")),
        "",
    ]


def tested_on(config: MAEConfig, held_out: int) -> int:
    """How many pictures a probe is tested on where so many are held out."""
    from backends.mae.trainer import PROBED_PICTURES, affordable

    return min(affordable(config, PROBED_PICTURES), held_out)


def drawn_factors(points: Sequence[RatioPoint], labels: Mapping[str, str]) -> list[str]:
    """The factors of the chart: those that are telling, or the first that were probed."""
    probed = [name for name in labels if all(f"linear_{name}" in point.scores for point in points)]
    telling = [name for name in TELLING if name in probed]
    return telling if len(telling) == len(TELLING) else probed[:MAX_FACTORS]


def chart_of(points: Sequence[RatioPoint], labels: Mapping[str, str], tested: int) -> dict[str, Any]:
    """What the features know over the ratio, and the error below it."""
    lines = []
    for name in drawn_factors(points, labels):
        values = [point.scores[f"linear_{name}"] for point in points]
        uncertain = [standard_error(value, tested) for value in values]
        lines.append(FactorLine(labels[name], values, uncertain, points[0].untrained[f"linear_{name}"]))
    title = f"{KNOWN_TITLE} (thin: untrained)" if lines else "There is nothing to probe"
    errors = [point.errors["error_ratio"] for point in points]
    return ratio_chart([point.mask_ratio for point in points], lines, errors, title=title, error_title=ERROR_TITLE)


def curves_of(points: Sequence[RatioPoint]) -> dict[str, Any]:
    """The error of each ratio over its steps."""
    lines = [([at.step for at in point.curve], [at.error_ratio for at in point.curve]) for point in points]
    total = max(point.steps for point in points)
    return error_curves([point.mask_ratio for point in points], lines, total, title=CURVES_TITLE)


def findings_html(points: Sequence[RatioPoint], labels: Mapping[str, str], tested: int) -> str:
    """What this run found, a paragraph a factor."""
    return "".join(answers.sentence(text) for text in findings(points, labels, tested))


def findings(points: Sequence[RatioPoint], labels: Mapping[str, str], tested: int) -> list[str]:
    """What this run found, in sentences with its numbers.

    Args:
        points: the ratios, lowest first.
        labels: of the factors.
        tested: pictures that the probes are tested on.
    """
    if not any(point.step for point in points):
        return ["All ratios start from the same weights, so all know the same before the first step."]
    said = [] if all(point.done for point in points) else ["So far:"]
    names = drawn_factors(points, labels)
    said += [factor_sentence(points, name, labels[name], tested) for name in names]
    if names:
        half = 100 * standard_error(0.5, tested)
        said.append(
            f"With {tested:,} test pictures a score near 50 % is uncertain by about ± {half:.0f} points (thin bars). "
            "Another seed would move scores too."
        )
    else:
        said.append(NOTHING_TO_PROBE)
    return [*said, *young_sentence(points, names, labels), *puzzle_sentences(points, names, labels, tested)]


def young_sentence(points: Sequence[RatioPoint], names: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    """A warning about the factors of which no ratio has taught more than an untrained net's features hold."""
    keys = {name: f"linear_{name}" for name in names}
    below = [
        labels[name]
        for name, key in keys.items()
        if max(point.scores[key] for point in points) <= points[0].untrained[key]
    ]
    if not below:
        return []
    steps = max(point.step for point in points)
    return [
        f"After {steps:,} steps no ratio's features tell more of {' and '.join(below)} than an untrained net's do. So "
        "short a run can't say which ratio is best for that: raise Steps."
    ]


def factor_sentence(points: Sequence[RatioPoint], name: str, label: str, tested: int) -> str:
    """A factor's score at each ratio, and which ratio is best, if one clearly is."""
    scores = [point.scores[f"linear_{name}"] for point in points]
    first, *others = (f"{100 * score:.0f}" for score in scores)
    listed = [f"{first} % at {percent(points[0])} hidden"]
    listed += [f"{score} at {100 * point.mask_ratio:.0f}" for score, point in zip(others, points[1:], strict=True)]
    numbers = f"{label}: {', '.join(listed)}"
    best = max(range(len(points)), key=lambda i: scores[i])
    rivals = [i for i in range(len(points)) if i != best and not differs(scores[i], scores[best], tested)]
    if len(points) == 1:
        return f"{numbers}."
    if len(rivals) == len(points) - 1:
        return f"{numbers}. These differences are within noise: no ratio is clearly better."
    if rivals:
        close = " and ".join(percent(points[i]) for i in rivals)
        return f"{numbers}. Best at {percent(points[best])}, though {close} may be as good: that is within noise."
    return f"{numbers}. Clearly best at {percent(points[best])}."


def puzzle_sentences(
    points: Sequence[RatioPoint], names: Sequence[str], labels: Mapping[str, str], tested: int
) -> list[str]:
    """How hard the puzzle is at each ratio, and whether the easiest makes the best features, where the run says so."""
    errors = [point.errors["error_ratio"] for point in points]
    if len(points) == 1 or not all(math.isfinite(error) for error in errors):
        return []
    low, high = points[0], points[-1]
    numbers = f"{errors[0]:.0%} of guessing at {percent(low)}, {errors[-1]:.0%} at {percent(high)}"
    if any(error <= before for before, error in itertools.pairwise(errors)):
        return [f"The error of painting does not simply rise with the ratio here: {numbers}."]
    said = [f"The fewer patches are hidden, the easier the puzzle: the error is {numbers}."]
    gained = [labels[name] for name in names if clearly_better(points, f"linear_{name}", tested)]
    lost = [labels[name] for name in names if clearly_better(points, f"linear_{name}", tested, first=True)]
    if gained:
        said.append(f"Yet the easiest puzzle does not make the best features: see {' and '.join(gained)}.")
    if lost:
        said.append(f"Of {' and '.join(lost)}, though, the easiest puzzle taught the most in this run.")
    return said


def clearly_better(points: Sequence[RatioPoint], key: str, tested: int, *, first: bool = False) -> bool:
    """Whether some higher ratio beats the lowest clearly; with `first`, whether the lowest beats all others so."""
    lowest, *others = (point.scores[key] for point in points)
    if first:
        return all(lowest > other and differs(lowest, other, tested) for other in others)
    return any(other > lowest and differs(lowest, other, tested) for other in others)


def differs(one: float, other: float, tested: int) -> bool:
    """Whether two accuracies are further apart than chance would have them.

    As if they were measured on pictures of their own. They are measured on the same ones, so this errs on the side of
    calling a difference noise.
    """
    error = math.hypot(standard_error(one, tested), standard_error(other, tested))
    return abs(one - other) > CLEAR * error


def standard_error(score: float, tested: int) -> float:
    """Of an accuracy that was measured on so many pictures."""
    return math.sqrt(max(0.0, score * (1 - score)) / max(1, tested))


def percent(point: RatioPoint) -> str:
    """A point's ratio in a sentence."""
    return f"{100 * point.mask_ratio:.0f} %"


def describe(run: Run) -> str:
    """How many runs, how far each is, and the device."""
    points: Sequence[RatioPoint] = run.frozen
    device = device_name(run.device)
    if run.snapshot is None:
        return f"{len(points)} runs by turns · {device}"
    slowest = min(points, key=lambda point: point.step)
    return f"{len(points)} runs by turns · each at step {slowest.step:,} of {slowest.steps:,} · {device}"
