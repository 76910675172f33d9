"""Why it scales: the lecture's models beside ours, and what ten times the parameters or the text gained here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import gradio as gr

from backends.engine.checkpoints import CheckpointError
from backends.language import scaling
from backends.language.config import TITLES
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.figures.scale import OURS, PUBLISHED, YOURS, ScalePoint, in_words, loss_chart, scale_chart
from playground.session import Session, SessionStore
from playground.tabs.language_state import COLOURS, own_models_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage

LECTURE = (
    ("BERT-large", "bert", 340e6, 128e9, "top center", True),
    ("T5", "t5", 3e9, 1e12, "middle left", True),
    ("T5", "t5", 11e9, 1e12, "middle right", True),
    ("GPT", "gpt", 117e6, 100e9, "middle left", False),
    ("GPT-2", "gpt", 1.5e9, 10e9, "middle right", False),
    ("GPT-3", "gpt", 175e9, 300e9, "bottom center", True),
)
"""Name, method, parameters, tokens read in training, where the label stands, whether the tokens were published.

BERT: 1,000,000 steps of 128,000 tokens (Devlin et al., 2019, appendix A.2). T5: Raffel et al. (2020), section 3.7.
GPT-3: Brown et al. (2020), table 2.1. Estimates: GPT, 100 passes over about a billion tokens of books (Radford et al.,
2018); GPT-2, 40 GB of text once (Radford et al., 2019, who do not say how often it was read).
"""
SOURCES = (
    "Tokens read count every pass. BERT: Devlin et al., 2019. T5: Raffel et al., 2020. GPT-3: Brown et al., 2020. GPT "
    "(100 passes over its books) and GPT-2 (its 40 GB once) did not publish the number; these are estimates."
)
SIDES = {"bert": "top center", "t5": "middle right", "gpt": "bottom center"}
"""Where the labels of our models stand: they lie close together."""
LARGEST = ("GPT-3", 175e9, 300e9)
FEWEST = 2


class ScalingRun(Protocol):
    """One of our small runs; see `backends.language.scaling`."""

    @property
    def parameters(self) -> int:
        """Of the model."""

    @property
    def train_tokens(self) -> int:
        """Tokens of text that there were to learn from."""

    @property
    def heldout_loss(self) -> float:
        """Mean cross entropy on text never trained on, in nats a token."""


@dataclass(frozen=True)
class ScalePart:
    """The components of this part."""

    models: gr.HTML
    by_size: gr.HTML
    by_text: gr.HTML
    findings: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `views_of` makes values for."""
        return [self.models, self.by_size, self.by_text, self.findings]


def lay_out_scale() -> ScalePart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["language-scale"]):
        with gr.Column(min_width=420):
            models = plotly_view(
                label="Parameters and tokens read of published models, of this project's and of your run",
                height=410,
                elem_id="language-scale-models",
            )
            answers.html_area(f'<p class="note">{SOURCES}</p>', elem_classes=["note-line"])
        with gr.Column(min_width=300):
            by_size = plotly_view(
                label="Held-out loss of small models by parameters", height=200, elem_id="language-scale-size"
            )
            by_text = plotly_view(
                label="Held-out loss of one small model by text to learn from",
                height=200,
                elem_id="language-scale-text",
            )
            findings = answers.html_area(elem_id="language-scale-findings")
    return ScalePart(models, by_size, by_text, findings)


def wire_scale(store: SessionStore, part: ScalePart, tab: gr.Tab) -> None:
    """Fill the part when its tab is opened."""

    def on_open(request: gr.Request) -> list[Any]:
        return views_of(store.of(str(request.session_hash)))

    tab.select(on_open, None, part.views, api_name=False, **QUICK)


def views_of(session: Session) -> list[Any]:
    """The charts, and what they say in sentences."""
    ours = shipped_models()
    own = own_models_of(session)
    models = pack(scale_chart([*lecture_points(), *points_of(ours, OURS), *points_of(own, YOURS)]))
    runs = scaling_runs()
    compared = comparison(own or ours, whose="your" if own else "our")
    if runs is None:
        missing = f"Our own small runs are not here yet: {scaling.COMMAND} trains them, in some minutes."
        return [models, None, None, "".join(map(answers.sentence, [*compared, missing]))]
    size, text = by_parameters(runs), by_text(runs)
    said = [*compared, *gains(size, text)]
    return [models, size_chart(size, text), text_chart(text, size), "".join(map(answers.sentence, said))]


def lecture_points() -> list[ScalePoint]:
    """The models of the lecture."""
    return [
        ScalePoint(name, parameters, tokens, COLOURS[method], PUBLISHED, side, sure)
        for name, method, parameters, tokens, side, sure in LECTURE
    ]


def points_of(models: Mapping[str, FrozenLanguage], symbol: str) -> list[ScalePoint]:
    """Models of ours, counted; one that has read nothing yet is left out."""
    return [
        ScalePoint(TITLES[method], parameters_of(model), read_by(model), COLOURS[method], symbol, SIDES[method])
        for method, model in models.items()
        if model.step
    ]


def parameters_of(model: FrozenLanguage) -> int:
    """How many a model has."""
    return sum(parameter.numel() for parameter in model.model.parameters())


def read_by(model: FrozenLanguage) -> int:
    """Tokens of text that a model was given in training, all passes counted; at most, for some pieces are shorter."""
    config = model.config
    return model.step * config.batch * config.length


def shipped_models() -> dict[str, FrozenLanguage]:
    """Those of this project that are here."""
    from backends.language import shipped

    found = {}
    for name in shipped.MODELS:
        try:
            found[name] = shipped.load(name)
        except CheckpointError:
            continue
    return found


def scaling_runs() -> Sequence[ScalingRun] | None:
    """Our small runs; None where there are none."""
    try:
        return scaling.load_runs()
    except CheckpointError:
        return None


def by_parameters(runs: Sequence[ScalingRun]) -> list[ScalingRun]:
    """Those with all of the text, smallest model first."""
    most = max((run.train_tokens for run in runs), default=0)
    return sorted((run for run in runs if run.train_tokens == most), key=lambda run: run.parameters)


def by_text(runs: Sequence[ScalingRun]) -> list[ScalingRun]:
    """Those of the size that was tried with most texts, shortest text first."""
    texts: dict[int, dict[int, ScalingRun]] = {}
    for run in runs:
        texts.setdefault(run.parameters, {})[run.train_tokens] = run
    tried = max(texts.values(), key=len, default={})
    return [tried[tokens] for tokens in sorted(tried)]


def size_chart(runs: Sequence[ScalingRun], beside: Sequence[ScalingRun] = ()) -> str:
    """Held-out loss over parameters, on the axis of another chart's runs too."""
    title = "Larger models, all of the text: held-out loss"
    return _chart([run.parameters for run in runs], runs, beside, title, "parameters")


def text_chart(runs: Sequence[ScalingRun], beside: Sequence[ScalingRun] = ()) -> str:
    """Held-out loss over the text that there was, on the axis of another chart's runs too."""
    title = "One size, more text: held-out loss"
    return _chart([run.train_tokens for run in runs], runs, beside, title, "tokens to learn from")


def _chart(
    amounts: Sequence[float], runs: Sequence[ScalingRun], beside: Sequence[ScalingRun], title: str, unit: str
) -> str:
    losses, others = ([run.heldout_loss for run in some] for some in (runs, beside))
    return pack(loss_chart(amounts, losses, title=title, unit=unit, colour=COLOURS["gpt"], beside=others))


def comparison(models: Mapping[str, FrozenLanguage], *, whose: str) -> list[str]:
    """How far the largest of the lecture's models is from one of ours."""
    trained = {method: model for method, model in models.items() if model.step}
    if not trained:
        return []
    method = "gpt" if "gpt" in trained else next(iter(trained))
    name, parameters, tokens = LARGEST
    model = trained[method]
    times, read = parameters / parameters_of(model), tokens / read_by(model)
    return [
        f"{name} has {_times(times)} times as many parameters as {whose} {TITLES[method]}, and read {_times(read)} "
        "times as much text."
    ]


def gains(size: Sequence[ScalingRun], text: Sequence[ScalingRun]) -> list[str]:
    """What ten times the parameters and ten times the text gained, with the numbers between which they lie."""
    said = []
    if len(size) >= FEWEST:
        said.append(
            _gain(
                "parameters",
                [(run.parameters, run.heldout_loss) for run in size],
                "with all of the text",
            )
        )
    if len(text) >= FEWEST:
        fixed = f"at {in_words(text[0].parameters)} parameters"
        said.append(_gain("text", [(run.train_tokens, run.heldout_loss) for run in text], fixed))
    return said


def _gain(of: str, found: Sequence[tuple[float, float]], fixed: str) -> str:
    """One sentence: the loss at both ends, and what each factor of ten made of it on the way."""
    (few, before), (many, after) = found[0], found[-1]
    each = (before - after) / math.log10(many / few)
    ends = f"{in_words(few)} to {in_words(many)}, {fixed}: {before:.2f} to {after:.2f} nats"
    best, _ = min(found, key=lambda pair: pair[1])
    if each <= 0:
        return f"More {of} did not help here ({ends})."
    further = "" if best == many else f" The best has {in_words(best)}; beyond that, more did not help."
    return f"Ten times the {of} gained {each:.2f} nats a token ({ends}).{further}"


def _times(ratio: float) -> str:
    """A large ratio with two figures, written out."""
    return f"{float(f'{ratio:.2g}'):,.0f}"
