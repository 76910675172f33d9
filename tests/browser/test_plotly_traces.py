"""plotly.js with few kinds draws each of them, and knows no others."""

from __future__ import annotations

import pytest

from playground.components.plotly_traces import TRACES, plotly_script

pytestmark = pytest.mark.browser

DRAWN = """async () => {
    const node = document.querySelector("#chart");
    await Plotly.newPlot(node, [
        {type: "scatter", x: [1, 2, 3], y: [1, 10, 100], error_y: {array: [1, 1, 1]}},
        {type: "bar", x: [1, 2, 3], y: [3, 2, 1]},
        {type: "heatmap", z: [[1, 2], [3, 4]], xaxis: "x2", yaxis: "y2"},
    ], {xaxis2: {domain: [0.6, 1]}, yaxis: {type: "log"}, yaxis2: {anchor: "x2"}, xaxis: {domain: [0, 0.5]}});
    const count = selector => node.querySelectorAll(selector).length;
    const svg = await Plotly.toImage(node, {format: "svg", width: 300, height: 200});
    return [count(".scatterlayer .point"), count(".barlayer .point"), count(".heatmaplayer image"), svg.slice(0, 18)];
}"""


def test_every_kind_of_this_page_is_drawn_and_saved(browser):
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content('<div id="chart" style="width: 600px; height: 300px"></div>')
    page.add_script_tag(content=plotly_script())
    assert page.evaluate(DRAWN) == [3, 3, 1, "data:image/svg+xml"]
    kinds = page.evaluate("() => Object.keys(Plotly.PlotSchema.get().traces)")
    assert sorted(kinds) == sorted(["scatter", *TRACES])
    assert errors == []
    page.close()
