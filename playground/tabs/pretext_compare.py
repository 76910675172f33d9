"""What each teaches: pretext tasks beside what came later, an untrained net and raw pixels, factor by factor."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.engine.checkpoints import write_text
from backends.pretext.compare import DATA, PIXELS, UNTRAINED, Comparison, Contender, compare, compare_shipped
from backends.pretext.config import CONFIGS, TITLES
from playground.components import answers
from playground.components.downloads import download_button, wire_download
from playground.components.plotly_view import pack, plotly_view
from playground.figures.teaches import teaches_chart
from playground.session import Session, SessionStore
from playground.tabs.pretext_state import chosen_task, own_model
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.pretext.frozen import Frozen

OWN_ROWS, SEEN = "pretext_own_rows", "pretext_compare_seen"
OWN = "own-"
"""Before a task's name: the visitor's run of it."""
LATER = ("simclr", "simclr-without-jitter", "mae")
"""What came after the pretext tasks."""
BASELINES = (UNTRAINED, PIXELS)
TOLD = ("colour", "shape")
"""Factors of which it is said who knows them best."""
KINDS = {"linear": "Linear probe", "knn": "10 nearest neighbours"}
FIRST_KIND = "linear"
FINDS = {"linear": "a linear probe finds", "knn": "neighbours tell"}
CLEAR = 0.05
"""Two accuracies on the 1,000 held-out apples differ clearly from here on: that is more than twice the standard error
of their difference, whatever they are."""
DIGITS = 6
"""Of a difference, so that 0.95 and 0.9 are 0.05 apart."""
PROBING = "Probing all of them on the same 1,000 held-out apples, which takes up to a minute the first time …"
PROBING_OWN = "Probing your run on the same held-out apples …"
NOTE = (
    "Percent of held-out apples; small: points above or below the untrained net; bold: the best of a column. All are "
    "probed alike on whole, upright pictures."
)
TITLE = "What the features know: {kind}, %"
FILE = "what_each_teaches.csv"


@dataclass(frozen=True)
class ComparePart:
    """The components of this part."""

    kind: gr.Radio
    add: gr.Button
    save: gr.Button
    file: gr.DownloadButton
    note: gr.HTML
    chart: gr.HTML
    findings: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `compare_views` makes values for."""
        return [self.note, self.chart, self.findings]


def lay_out_compare() -> ComparePart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["actions", "pt-teach-ask"]):
        kind = gr.Radio(
            [(title, name) for name, title in KINDS.items()],
            value=FIRST_KIND,
            show_label=False,
            container=False,
            scale=0,
            min_width=345,
            elem_id="pretext-compare-kind",
            elem_classes=["inline-radio"],
        )
        add = gr.Button("Add my run", size="sm", elem_id="pretext-compare-add", min_width=100)
        save = gr.Button("Table (.csv)", size="sm", elem_id="pretext-compare-save", min_width=100)
        note = answers.html_area(elem_id="pretext-compare-note", elem_classes=["note-line"])
    chart = plotly_view(
        label="What a probe finds of each factor of the apples in the features of each method",
        height=470,
        elem_id="pretext-compare-chart",
    )
    findings = answers.html_area(elem_id="pretext-compare-findings", elem_classes=["pt-teach"])
    file = download_button("pretext-compare-file")
    return ComparePart(kind, add, save, file, note, chart, findings)


def wire_compare(store: SessionStore, part: ComparePart, tab: gr.Tab) -> None:
    """Fill the part when its tab is opened; the radio, the button for the own run, and the table as a file."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(kind: str, request: gr.Request) -> Iterator[list[Any]]:
        session = session_of(request)
        if SEEN not in session.uploads:
            yield [answers.sentence(PROBING), gr.skip(), gr.skip()]
        yield compare_views(session, str(kind))

    def on_add(kind: str, request: gr.Request) -> Iterator[list[Any]]:
        session = session_of(request)
        problem = own_problem(session)
        if problem:
            yield [answers.problem(problem), gr.skip(), gr.skip()]
            return
        yield [answers.sentence(PROBING_OWN), gr.skip(), gr.skip()]
        add_own(session)
        yield compare_views(session, str(kind))

    def make(session: Session, folder: Path) -> tuple[Path, Any]:
        return write_table(table_of(session), folder / FILE), gr.skip()

    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUICK}
    tab.select(on_open, part.kind, part.views, api_name=False, **latest)
    part.kind.input(on_open, part.kind, part.views, api_name="pretext_compare", **latest)
    part.add.click(on_add, part.kind, part.views, api_name="pretext_compare_own", trigger_mode="once", **QUICK)
    wire_download(store, part.save, make, part.file, part.note, "pretext_compare_table")


def compare_views(session: Session, kind: str = FIRST_KIND) -> list[Any]:
    """Values of the line, the chart and the sentences; `kind` is of `KINDS`, anything else counts as the first."""
    table = table_of(session)
    session.uploads[SEEN] = True
    kind = kind if kind in KINDS else FIRST_KIND
    said = "".join(map(answers.sentence, findings(table, kind)))
    return [answers.sentence(NOTE), pack(chart_of(table, kind)), said]


def table_of(session: Session) -> Comparison:
    """The shipped models and the visitor's runs; untrained net and raw pixels last."""
    table = compare_shipped()
    own: Comparison | None = session.uploads.get(OWN_ROWS)
    return ordered(table if own is None else table.joined(own))


def ordered(table: Comparison) -> Comparison:
    """The same table with each own run below the task's shipped model, and the baselines at the end."""
    tasks = list(CONFIGS)

    def place(name: str) -> tuple[int, int]:
        task = name.removeprefix(OWN)
        if name in BASELINES:
            return 2, BASELINES.index(name)
        return (0, 2 * tasks.index(task) + (name != task)) if task in tasks else (1, table.names.index(name))

    rows = sorted(range(len(table.names)), key=lambda m: place(table.names[m]))
    return Comparison(
        tuple(table.names[m] for m in rows),
        tuple(table.titles[m] for m in rows),
        table.factors,
        table.labels,
        table.chance,
        table.knn[rows],
        table.linear[rows],
    )


def own_problem(session: Session) -> str:
    """Why the visitor's run can't be added; "" where it can."""
    task = chosen_task(session)
    model, title = own_model(session, task), TITLES[task].lower()
    if model is None or not model.step:
        return f"There is no {title} run of yours yet: press Train, and add it then."
    if model.config.data != DATA:
        learned = "emoji" if model.config.data == "emoji" else "your own pictures"
        return f"All rows are of nets that learned from apples; yours learned from {learned}. Choose Apples and train."
    return ""


def add_own(session: Session) -> None:
    """Probe the visitor's run of the chosen task; it takes the place of an earlier one of the same task."""
    task = chosen_task(session)
    model = own_model(session, task)
    assert model is not None
    rows = compare([Contender(OWN + task, own_title(task, model), model)])
    before: Comparison | None = session.uploads.get(OWN_ROWS)
    session.uploads[OWN_ROWS] = rows if before is None else before.joined(rows)


def own_title(task: str, model: Frozen) -> str:
    """What the row of a visitor's run is called."""
    return f"Your {TITLES[task].lower()}, {model.step:,} steps"


def chart_of(table: Comparison, kind: str) -> dict[str, Any]:
    """The table as cells."""
    reference = table.names.index(UNTRAINED) if UNTRAINED in table.names else None
    title = TITLE.format(kind=KINDS[kind].lower())
    return teaches_chart(
        table.titles, table.labels, values_of(table, kind), table.chance.tolist(), reference=reference, title=title
    )


def values_of(table: Comparison, kind: str) -> np.ndarray:
    """(M, F) accuracies of one kind of probe."""
    return table.linear if kind == "linear" else table.knn


def findings(table: Comparison, kind: str) -> list[str]:
    """What the table says: of each pretext task, who knows colour and shape best, and whether what came later won."""
    said = [
        _task_sentence(table, kind, name)
        for name in table.names
        if name.removeprefix(OWN) in CONFIGS and UNTRAINED in table.names
    ]
    return [*said, *_best_sentence(table, kind), *_later_sentence(table, kind)]


def _task_sentence(table: Comparison, kind: str, name: str) -> str:
    """What a pretext task adds to an untrained net, and where it knows less than that or than SimCLR."""
    values = dict(zip(table.names, values_of(table, kind), strict=True))
    mine, untrained = values[name], values[UNTRAINED]
    title, f = table.titles[table.names.index(name)], int((mine - untrained).argmax())
    if round(mine[f] - untrained[f], DIGITS) < CLEAR:
        said = f"{title} teaches nothing clear beyond what an untrained net’s features tell"
    else:
        said = (
            f"{title} teaches most about {_low(table.labels[f])}: {mine[f]:.0%}, where an untrained net’s features "
            f"give {untrained[f]:.0%}"
        )
    lost = [
        f"of {_listed(_less(table, mine, values[other]))} than {words}"
        for other, words in ((UNTRAINED, "an untrained net"), ("simclr", "SimCLR"))
        if other in values and _less(table, mine, values[other])
    ]
    return f"{said}; it knows less {', and less '.join(lost)}." if lost else f"{said}."


def _less(table: Comparison, mine: np.ndarray, theirs: np.ndarray) -> list[str]:
    """Labels of the factors of which one clearly knows less than another."""
    return [
        _low(label) for label, a, b in zip(table.labels, mine, theirs, strict=True) if round(b - a, DIGITS) >= CLEAR
    ]


def _best_sentence(table: Comparison, kind: str) -> list[str]:
    """Who knows colour best, and who shape; raw pixels and the untrained net compete too."""
    values = values_of(table, kind)
    told = []
    for name in TOLD:
        if name in table.factors:
            f = table.factors.index(name)
            best = int(values[:, f].argmax())
            told.append(f"of {_low(table.labels[f])} in {_titled(table, best)} ({values[best, f]:.0%})")
    return [f"Of all, {FINDS[kind]} most {' and '.join(told)}."] if told else []


def _later_sentence(table: Comparison, kind: str) -> list[str]:
    """Of how many factors a later method clearly knows more than every pretext task, and the other way round."""
    values = dict(zip(table.names, values_of(table, kind), strict=True))
    later = [values[name] for name in LATER if name in values]
    tasks = [values[name] for name in CONFIGS if name in values]
    if not later or not tasks:
        return []
    after, before = np.max(later, axis=0), np.max(tasks, axis=0)
    won, lost = _less(table, before, after), _less(table, after, before)
    count = len(table.factors)
    named = f" ({', '.join(won)})" if won else ""
    said = f"For {len(won)} of {count} factors{named} one of the later methods clearly beats every pretext task"
    if lost:
        said += f"; for {_listed(lost)} a pretext task beats them all"
    if 2 * len(won) > count:
        return [f"{said}: on these apples, that is why they were left behind."]
    return [f"{said}: so this table alone does not say why they were left behind."]


def _titled(table: Comparison, m: int) -> str:
    """A contender in the middle of a sentence; SimCLR keeps its capitals."""
    name, title = table.names[m], table.titles[m]
    if name.startswith("simclr"):
        return title
    return f"the {_low(title)}" if name in ("mae", UNTRAINED) else _low(title)


def _low(label: str) -> str:
    return label[:1].lower() + label[1:]


def _listed(words: Sequence[str]) -> str:
    """Some words with commas and an "and"."""
    return " and ".join(([", ".join(words[:-1])] if len(words) > 1 else []) + list(words[-1:]))


def write_table(table: Comparison, path: Path) -> Path:
    """Write a line for each contender and factor as CSV."""
    rows = table.rows()
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return write_text(path, text.getvalue())
