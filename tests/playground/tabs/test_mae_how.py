"""What the page says of how a masked autoencoder works."""

from __future__ import annotations

import gradio as gr

from playground.tabs.mae_how import AFTER_THE_TABLE, BEFORE_THE_TABLE, build_how_it_works, tokens_table


def test_the_table_counts_the_tokens_that_the_encoder_sees():
    rows = {row.split("|")[1].strip(): [cell.strip() for cell in row.split("|")[2:-1]] for row in table_rows()}
    assert rows["0 %"] == ["64", "4,096", "196"]
    assert rows["75 %"] == ["16", "256", "49"], "a quarter of the tokens, a sixteenth of the pairs"
    assert rows["90 %"] == ["6", "36", "20"]


def test_formulas_are_closed_and_stand_on_the_page():
    for text in (BEFORE_THE_TABLE, AFTER_THE_TABLE):
        assert text.count("$$") % 2 == 0
        assert text.replace("$$", "").count("$") % 2 == 0
    with gr.Blocks() as demo:
        build_how_it_works()
    (page,) = [block for block in demo.blocks.values() if isinstance(block, gr.Markdown)]
    assert tokens_table() in page.value


def table_rows() -> list[str]:
    return tokens_table().splitlines()[2:]
