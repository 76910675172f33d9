"""What Compare shows of pinned runs: which measures they share, their curves, and the tables."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.transfer.config import WAY_TITLES
from playground.components import answers
from playground.components.plotly_view import pack
from playground.figures.compare import Curve, Panel, difference_table, panel_chart, swatch
from playground.kept_runs import MAX_KEPT, TITLES, Kept, KeptRun, kept_of
from playground.session import Run, Session

NETS = {
    "lstm": "LSTM",
    "transformer": "transformer",
    "bert": "BERT",
    "t5": "T5",
    "gpt": "GPT",
    "with": "with jitter",
    "without": "without jitter",
    "against": "against",
}
"""How the metrics of a run with several nets begin, and what the nets are called."""
NUMBERED = {"mae-ratios": "{} % hidden", "transfer": "{} labels"}
"""Methods whose metrics end in a number, and what it means."""
HIDDEN = re.compile(
    r"(_per_second|(^|_)(step|seconds|epoch|run|points|points_planned|parameters|blank_share|distance))$"
)
"""Metrics that are no measure of what was learned."""
WORDS = {
    "loss": "Loss",
    "heldout_loss": "Held-out loss",
    "heldout_accuracy": "Held-out accuracy",
    "text_loss": "Held-out loss of the text alone",
    "unigram_entropy": "Loss of a guesser that only counts",
    "error_ratio": "Error, share of guessing’s",
    "logit_scale": "Logit scale",
    **WAY_TITLES,
}
PROBES = {"knn_": "Neighbours’ accuracy", "linear_": "Linear probe’s accuracy"}
KINDS = ("loss", "objective", "task", "targets", "factor")
"""Settings that make two runs of a method measure different things."""
STEPS, SECONDS = "steps", "seconds"
EMPTY = "Curves of pinned runs appear here, each in the colour of its number"
WAITING = (
    "Nothing is pinned yet. Train in any tab, press <b>Pin this run</b> under its buttons, change one setting, train "
    "and pin again: here both stand side by side. Or open a file of runs that was saved here."
)
MAX_SCORES = 24


@dataclass(frozen=True)
class Measure:
    """A metric of a run: what it measures, and which of the run's nets."""

    name: str
    family: str
    net: str


def measures_of(run: KeptRun) -> list[Measure]:
    """What a run was measured by, in its own order."""
    found = []
    for name in run.metrics:
        if HIDDEN.search(name):
            continue
        family, net = name, ""
        start, _, rest = name.partition("_")
        if start in NETS and rest:
            family, net = rest, NETS[start]
        ending = re.fullmatch(r"(.+)_(\d+)", family) if run.method in NUMBERED else None
        if ending:
            told = NUMBERED[run.method].format(ending[2])
            family, net = ending[1], f"{net}, {told}" if net else told
        found.append(Measure(name, family, net))
    return found


def families(runs: Sequence[KeptRun]) -> list[str]:
    """What can be drawn: what most runs share comes first, then in the runs' own order."""
    counts: dict[str, int] = {}
    for run in runs:
        for family in dict.fromkeys(measure.family for measure in measures_of(run)):
            counts[family] = counts.get(family, 0) + 1
    return sorted(counts, key=lambda family: -counts[family])


def words(family: str) -> str:
    """What a measure is called."""
    if family in WORDS:
        return WORDS[family]
    for start, said in PROBES.items():
        if family.startswith(start):
            return f"{said}, {_spaced(family.removeprefix(start))}"
    spaced = _spaced(family)
    return spaced[:1].upper() + spaced[1:]


def group_of(run: KeptRun, family: str) -> tuple[str, ...]:
    """Runs of one group may share an axis: a probe's accuracy is the same for all, a loss is each method's own."""
    if family.startswith(tuple(PROBES)):
        return ("probes",)
    return (run.method, *(run.settings[kind].value for kind in KINDS if kind in run.settings))


def panels_of(shown: Sequence[tuple[int, KeptRun]], family: str, over: str) -> list[Panel]:
    """Curves in groups that may share their axes; a run without the measure is drawn by its own first one.

    Args:
        shown: number in the list, from 0, and run.
        family: what is drawn.
        over: `STEPS` or `SECONDS`; runs that count different steps are drawn over seconds.
    """
    groups: dict[tuple[str, ...], list[tuple[int, KeptRun, str]]] = {}
    for number, run in shown:
        known = [measure.family for measure in measures_of(run)]
        if not known:
            continue
        drawn = family if family in known else known[0]
        groups.setdefault((drawn, *group_of(run, drawn)), []).append((number, run, drawn))
    return [_panel(members, over, alone=len(groups) == 1) for members in groups.values()]


def _panel(members: Sequence[tuple[int, KeptRun, str]], over: str, *, alone: bool) -> Panel:
    units = {run.step_unit for _, run, _ in members}
    by_steps = over == STEPS and len(units) == 1
    curves = []
    for number, run, family in members:
        same = [measure for measure in measures_of(run) if measure.family == family]
        for net, measure in enumerate(same):
            points = zip(run.steps if by_steps else run.seconds, run.metrics[measure.name], strict=True)
            kept = [(float(x), y) for x, y in points if y is not None]
            name = f"{run.name} · {measure.net}" if measure.net else run.name
            curves.append(Curve(name, measure.net or run.name, number, net, [x for x, _ in kept], [y for _, y in kept]))
    titles = dict.fromkeys(run.title for _, run, _ in members)
    title = words(members[0][2])
    if not alone or len(titles) == 1:
        title += ": " + (", ".join(titles) if len(titles) <= 2 else f"{len(titles)} methods")
    return Panel(title, next(iter(units)) if by_steps else "seconds of training", curves)


def curve_views(shown: Sequence[tuple[int, KeptRun]], family: str, over: str) -> list[str]:
    """The curves as a view's value, and what has to be known to read them."""
    panels = panels_of(shown, family, over)
    return [pack(panel_chart(panels, empty=EMPTY)), note_html(shown, family, over, panels)]


def table_html(shown: Sequence[tuple[int, KeptRun]]) -> str:
    """In which settings the runs differ, and where each ended; what only one method has counts among its own runs."""
    if not shown:
        return ""
    runs = [run for _, run in shown]
    sections = [
        ("Settings that differ", _setting_rows(runs) or [("none", [""] * len(runs))]) if len(runs) > 1 else None,
        ("At the end", _score_rows(runs)),
    ]
    return difference_table([(n, run.name) for n, run in shown], [section for section in sections if section])


def _setting_rows(runs: Sequence[KeptRun]) -> list[tuple[str, list[str]]]:
    rows: list[tuple[str, list[str]]] = []
    if len({run.method for run in runs}) > 1:
        rows.append(("Method", [run.title for run in runs]))
    labels = {name: setting.label for run in reversed(runs) for name, setting in run.settings.items()}
    known = dict.fromkeys(name for run in runs for name in run.settings)
    for name in known:
        values = [run.settings[name].value if name in run.settings else None for run in runs]
        if len(set(values) - {None}) > 1:
            rows.append((labels[name], [value or "–" for value in values]))
    return rows


def _score_rows(runs: Sequence[KeptRun]) -> list[tuple[str, list[str]]]:
    rows = [
        ("Steps", [f"{steps_of(run)}{'' if run.done else ' so far'}" for run in runs]),
        ("Trained", [f"{run.seconds[-1]:.1f} s" for run in runs]),
    ]
    finals = [run.final for run in runs]
    named: dict[tuple[str, str], dict[int, float]] = {}
    for place, (run, final) in enumerate(zip(runs, finals, strict=True)):
        for measure in measures_of(run):
            if measure.name in final:
                named.setdefault((measure.family, measure.net), {})[place] = final[measure.name]
    shared = sorted(named, key=lambda key: -len(named[key]))[:MAX_SCORES]
    for family, net in shared:
        label = f"{words(family)}, {net}" if net else words(family)
        values = named[family, net]
        rows.append((label, [_figure(values[i]) if i in values else "–" for i in range(len(runs))]))
    return rows


def note_html(shown: Sequence[tuple[int, KeptRun]], family: str, over: str, panels: Sequence[Panel]) -> str:
    """What has to be known to read the curves in these panels, in a sentence or two, or nothing."""
    said = []
    if len(panels) > 1:
        said.append("Each panel has axes of its own: what isn’t measured alike can’t be compared by height.")
    if over == STEPS and any(panel.x_title.startswith(SECONDS) for panel in panels):
        said.append("Some runs count different steps, so they are drawn over seconds.")
    drawn = [run for _, run in shown if any(measure.family == family for measure in measures_of(run))]
    data = {run.settings[name].value for run in drawn for name in ("data", "corpus") if name in run.settings}
    if len(data) > 1:
        said.append(f"The runs were tested on different data ({', '.join(sorted(data))}), so mind what you compare.")
    return answers.sentence(" ".join(said)) if said else ""


def list_html(session: Session, unpinned: Mapping[str, Run]) -> str:
    """The pinned runs, each to be shown, named and removed; below, runs of this session that aren't pinned yet."""
    kept = kept_of(session)
    rows = "".join(_row(number, each) for number, each in enumerate(kept))
    listed = f'<ol class="cmp-list">{rows}</ol>' if rows else f'<p class="answer cmp-waiting">{WAITING}</p>'
    count = f'<p class="note">{len(kept)} of {MAX_KEPT} places are taken.</p>' if kept else ""
    more = "".join(
        f"<li><span>{html.escape(title_of(run))}, {run.snapshot.step if run.snapshot else 0:,} "
        f'{html.escape(run.trainer.step_unit)}</span><button data-pick="pin:{html.escape(tab)}">Pin</button></li>'
        for tab, run in unpinned.items()
    )
    offered = f'<p class="note">Trained here, not pinned:</p><ul class="cmp-more">{more}</ul>' if more else ""
    return listed + count + offered


def title_of(run: Run) -> str:
    """A live run's method as the page calls it."""
    return TITLES.get(run.trainer.method, run.trainer.method)


def steps_of(run: KeptRun) -> str:
    """How far a run was, as in "1 step"."""
    unit = run.step_unit.removesuffix("s") if run.steps[-1] == 1 else run.step_unit
    return f"{run.steps[-1]:,} {unit}"


def _row(number: int, kept: Kept) -> str:
    run, name = kept.run, html.escape(kept.run.name)
    source = " · from a file" if kept.from_file else ""
    told = f"{run.title} · {steps_of(run)} · {run.seconds[-1]:.0f} s{source}"
    pressed = "true" if kept.shown else "false"
    return (
        f'<li style="{swatch(number)}"><button class="cmp-show" data-pick="show:{kept.id}" '
        f'aria-pressed="{pressed}" aria-label="Show {name}"><i class="cmp-swatch">{number + 1}</i></button>'
        f'<span class="cmp-name"><b>{name}</b><small>{html.escape(told)}</small></span>'
        f'<button data-pick="name:{kept.id}" aria-label="Rename {name}">Rename</button>'
        f'<button data-pick="drop:{kept.id}" aria-label="Remove {name}">Remove</button></li>'
    )


def shown_of(session: Session) -> list[tuple[int, KeptRun]]:
    """The runs that are drawn, with their number in the list."""
    return [(number, kept.run) for number, kept in enumerate(kept_of(session)) if kept.shown]


def unpinned_of(session: Session) -> dict[str, Run]:
    """Runs of this session that have trained and aren't pinned as they are now, by tab."""
    pinned = {kept.origin for kept in kept_of(session)}
    runs = session.runs.items()
    return {tab: run for tab, run in runs if run.snapshot is not None and (run.id, run.snapshot.step) not in pinned}


def chosen_family(session: Session, asked: Any) -> str:
    """The measure that is drawn: the asked one if a shown run has it, else what most of them share."""
    known = families([run for _, run in shown_of(session)])
    return asked if asked in known else (known[0] if known else "")


def family_choices(session: Session) -> list[tuple[str, str]]:
    """What can be drawn of the shown runs, as (words, family)."""
    return [(words(family), family) for family in families([run for _, run in shown_of(session)])]


def _figure(value: float) -> str:
    return (f"{value:.3f}" if abs(value) < 10 else f"{value:.5g}").replace("-", "−")


def _spaced(name: str) -> str:
    return name.replace("_", " ")
