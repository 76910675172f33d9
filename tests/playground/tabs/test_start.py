"""The Start tab: tiles for every other tab, and an opening that is cheap."""

from __future__ import annotations

import importlib
import re
import sys
import time

import gradio as gr
import pytest

from backends.start.tiles import MAKERS
from playground import shell
from playground.tabs import start
from playground.tabs.start_label import BEGIN, label, label_views
from playground.tabs.start_tiles import LINES, tiles_html


@pytest.fixture(scope="module")
def tab():
    from playground.session import SessionStore

    store = SessionStore(1, "cpu")
    with gr.Blocks():
        yield start.build_tab(store, [("simclr", "SimCLR")])
    store.close()


def test_opening_sets_every_output_and_costs_nothing(tab, session):
    begun = time.thread_time()
    values = tab.open(session, None)
    assert time.thread_time() - begun < 0.5
    assert len(values) == len(tab.outputs)


def test_opening_needs_no_torch(session, monkeypatch):
    """It is done on the event loop, where importing torch would hold up everybody for seconds."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError):
        importlib.import_module("torch")
    label(session, BEGIN)
    label_views(session)
    tiles_html([("simclr", "SimCLR")])


def test_start_is_first_and_every_other_tab_has_a_tile_with_a_picture_and_a_line():
    assert next(iter(shell.TABS)) == start.TAB
    others = [(name, label) for name, (label, _) in shell.TABS.items() if name != start.TAB]
    tiles = re.findall(r"<button.*?</button>", tiles_html(others), re.DOTALL)
    assert len(tiles) == len(others)
    for (name, shown), tile in zip(others, tiles, strict=True):
        assert f'data-tab="{shown}"' in tile
        assert "aria-label=" in tile
        assert name in LINES
        assert name in MAKERS
        assert "<svg" in tile


def test_a_tab_that_the_tiles_do_not_know_has_its_label_and_labels_are_escaped():
    shown = tiles_html([("new", 'A <b> & "c"')])
    assert "<b> &" not in shown
    assert "&lt;b&gt; &amp; &quot;c&quot;" in shown
