"""Figures become one string, arrays become base64, and plotly.js comes from this machine."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from playground.components.plotly_view import pack, plotly_js_path, plotly_view, typed

DTYPES = {"f4": np.float32, "f8": np.float64, "i4": np.int32, "u1": np.uint8}


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_typed_array_comes_back_as_it_was(kind, length):
    array = np.random.default_rng(0).integers(0, 200, length).astype(DTYPES[kind])
    packed = typed(array)
    assert packed["dtype"] == kind
    back = np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"])
    np.testing.assert_array_equal(back, array)


def test_a_column_of_a_matrix_is_packed_in_its_own_order():
    matrix = np.arange(12, dtype=np.float32).reshape(4, 3)
    packed = typed(matrix[:, 1])
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(packed["bdata"]), "f4"), [1, 4, 7, 10])


def test_plotly_reads_a_typed_array_as_we_mean_it():
    import plotly.graph_objects as go

    packed = typed(np.array([1.5, -2.0], np.float32))
    x = go.Scatter(x=packed).to_plotly_json()["x"]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(x["bdata"]), x["dtype"]), [1.5, -2.0])


def test_an_array_that_plotly_does_not_know_is_refused():
    with pytest.raises(KeyError):
        typed(np.zeros(2, np.complex64))


def test_a_packed_figure_is_one_string_of_json():
    figure = {"data": [{"customdata": ["</script><b>"]}], "layout": {"title": "é"}}
    packed = pack(figure)
    assert isinstance(packed, str)
    assert json.loads(packed) == figure


def test_a_view_begins_empty_or_with_its_figure():
    figure = {"data": [], "layout": {}}
    assert plotly_view(label="A chart", height=100).value is None
    assert json.loads(plotly_view(figure, label="A chart", height=100).value) == figure


def test_a_view_has_its_label_its_height_and_no_value_in_its_markup():
    view = plotly_view(label="A chart", height=123, elem_id="chart")
    assert 'aria-label="A chart"' in view.html_template
    assert "value" not in view.html_template
    assert "123px" in view.css_template
    assert view.elem_id == "chart"


def test_plotly_js_lies_on_this_machine():
    path = plotly_js_path()
    assert path.name == "plotly.min.js"
    assert path.stat().st_size > 1_000_000
