"""plotly.js comes with the kinds of charts that the page draws, and whole where its modules are not the known ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import playground
from playground.components.plotly_traces import REGISTER, TRACES, plotly_script, with_few_kinds
from playground.components.plotly_view import plotly_js_path

NO_KINDS = {
    "line",
    "log",
    "date",
    "category",
    "linear",
    "rect",
    "path",
    "number",
    "button",
    "checkbox",
    "text",
}
"""What `type` says of axes, shapes, and fields."""


@pytest.fixture(scope="module")
def whole() -> str:
    return plotly_js_path().read_text("utf-8")


def test_the_installed_plotly_is_known(whole):
    served = plotly_script()
    before, after = (REGISTER.search(script, script.rfind(".register([") - 200) for script in (whole, served))
    assert before is not None
    assert after is not None
    assert before["kinds"].count("()") > 40
    assert after["kinds"].count("()") == len(TRACES)
    assert set(after["kinds"].split(",")) < set(before["kinds"].split(","))
    assert served[: after.start("kinds")] == whole[: before.start("kinds")]
    assert served[after.end("kinds") :] == whole[before.end("kinds") :]


@pytest.mark.parametrize(
    "change",
    [(".register([", ".registers(["), ('name:"bar"', 'name:"bars"'), ('moduleType:"trace"', 'type:"trace"')],
)
def test_where_it_reads_otherwise_it_is_served_whole(whole, change):
    altered = whole.replace(*change)
    assert altered != whole
    assert with_few_kinds(altered) == altered


@pytest.mark.parametrize("script", ["", "x", ".register([a()]);"])
def test_what_is_no_plotly_is_left_alone(script):
    assert with_few_kinds(script) == script


def test_no_figure_of_the_page_is_of_another_kind():
    sources = [path.read_text("utf-8") for path in Path(playground.__file__).parent.rglob("*.py")]
    kinds = {kind for source in sources for kind in re.findall(r'"type": "(\w+)"', source)}
    assert {"scatter", *TRACES} <= kinds
    assert kinds - NO_KINDS == {"scatter", *TRACES}
