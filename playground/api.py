"""The page's named endpoints: what a script may call by name, and what each does. A name that stands here stays.

Called with gradio_client, a script has a session of its own, as a visitor has: what one call trains, the next one asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

RUNS = {
    "train": "Train with these settings, and yield the status and the views until done or paused.",
    "step": "Train one slice with these settings.",
    "reset": "Build the run anew from its seed, untrained.",
    "pause": "Pause the training of this session.",
}
"""What every run panel has: `TAB_train`, and so on."""
RUN_TABS = (
    "word2vec",
    "attention",
    "attention_sweep",
    "language",
    "pretext",
    "simclr",
    "simclr_experiment",
    "simclr_ablation",
    "mae",
    "mae_ratios",
    "clip",
    "transfer",
    "transfer_table",
)
PIN = "Pin this run under Compare."
UNPINNED = ("attention_sweep", "simclr_ablation", "transfer_table")
"""Those whose panel pins nothing: they are many runs themselves."""
TAKES = {
    "model": "Write the model that answers as model.safetensors with its settings.",
    "encoder": "Write the encoder alone.",
    "notebook": "Write a notebook that repeats the run.",
    "features": "Write features and labels of the held-out pictures as a .zip.",
    "probes": "Write what the features know of each factor as a table.",
}
LOADS = {
    "load_file": "Let a model answer that was taken home from here.",
    "load_shipped": "Let a model answer that this project trained.",
    "unload": "Let this session's own run answer again.",
}
OWN_PICTURES = "Read a .zip of folders of pictures (folder = label) for this session."
PLACE_PICTURE = "Place a picture of your own on the map."
OTHERS: dict[str, str] = {
    "start_label": "Label a picture, and hear how long it would take for millions.",
    "start_odd_one_out": "Take a click on the odd one out of creatures without names.",
    "attention_notebook": TAKES["notebook"],
    "attention_curve": "Write accuracy and loss of both nets over the steps as a table.",
    "transfer_notebook": TAKES["notebook"],
    "transfer_own_pictures": OWN_PICTURES,
    "transfer_card": "Write the run's card: settings and scores.",
    "transfer_points": "Write every score at every number of labels as a table.",
    "transfer_table": "Write the table of encoders against tasks.",
    "transfer_table_kind": "Choose which kind of score the table shows.",
    "compare_csv": "Write the pinned runs as CSV.",
    "compare_json": "Write the pinned runs as JSON.",
    "compare_open": "Open pinned runs from a JSON file.",
    "word2vec_analogy": "Solve a : b = c : ? by b − a + c.",
    "word2vec_axis": "Place words on the axis between two words.",
    "word2vec_similarity": "The cosine of two words.",
    "word2vec_odd_one_out": "Which of three or more words fits least.",
    "word2vec_neighbours": "The nearest words in the original space.",
    "word2vec_test_set": "Score the questions-words test set.",
    "word2vec_by_hand": "Write the whole sum out for one sentence.",
    "word2vec_by_hand_step_1": "The same after one gradient step.",
    "word2vec_by_hand_step_20": "The same after twenty gradient steps.",
    "word2vec_by_hand_step_100": "The same after a hundred gradient steps.",
    "word2vec_vectors": "Write the vectors in word2vec's text format.",
    "word2vec_tsv": "Write the vectors for the Embedding Projector.",
    "word2vec_notebook": TAKES["notebook"],
    "word2vec_load_file": "Read a word2vec or GloVe file.",
    "word2vec_load_named": "Load vectors that others published and that lie here already.",
    "word2vec_unload": LOADS["unload"],
    "word2vec_own_text": "Read a .txt to train on.",
    "language_own_text": "Read a .txt to train on.",
    "language_load_file": LOADS["load_file"],
    "language_load_shipped": LOADS["load_shipped"],
    "language_unload": LOADS["unload"],
    "language_ways": "What BERT, T5 and GPT read of one text and have to say.",
    "language_fill": "Fill [MASK] in a text, every guess with its probability.",
    "language_repair": "Repair the spans <X>, <Y>, <Z> of a broken text.",
    "language_break": "Break a text for T5 to repair.",
    "language_continue": "Continue a text token by token.",
    "language_stop": "Stop what continues a text.",
    "language_sentence_map": "Map news sentences by how a model reads them.",
    "language_near_sentences": "The news sentences nearest to one of yours.",
    "language_words_across_layers": "Follow one word through the layers in two sentences.",
    "pretext_puzzle": "Take a click on the puzzle: turn, cut a hole, swap tiles, or deal another.",
    "pretext_picture": "Make a puzzle of a picture of your own.",
    "pretext_snapshot": "Make a puzzle of a picture from the webcam.",
    "pretext_answer": "Take a click on the board of the game against the net.",
    "pretext_new_game": "Begin a new game.",
    "pretext_unsolvable": "Sort pictures by whether the puzzle can be solved.",
    "pretext_compare": "What each puzzle, SimCLR and MAE teach of a factor.",
    "pretext_compare_own": "The same with this session's own run.",
    "pretext_compare_table": "Write that comparison as a table.",
    "pretext_task": "Choose the puzzle: rotation, inpainting or jigsaw.",
    "simclr_bench_picture": "Two augmented views of a picture of your own.",
    "mae_mask": "Take a click on the picture: which patches are hidden.",
    "mae_picture": "Reconstruct a picture of your own.",
    "mae_snapshot": "Reconstruct a picture from the webcam.",
    "mae_panels": "Write original, masked picture, reconstruction and error as one picture.",
    "mae_painter": "Choose who paints.",
    "mae_inside": "The heads of the encoder as image maps.",
    "clip_model": TAKES["model"],
    "clip_notebook": TAKES["notebook"],
    "clip_vectors": "Write the vectors of pictures and captions.",
    "clip_ask": "Classify the picture on the bench by labels and templates of yours.",
    "clip_picture": "Classify a picture of your own.",
    "clip_snapshot": "Classify a picture from the webcam.",
    "clip_search": "Rank the emoji by a prompt.",
    "clip_own_pictures": "Read a .zip of pictures, by folders or with a captions.csv.",
}
LANGUAGE_TAKES = {
    "model": "Write {} as model.safetensors.",
    "notebook": "Write a notebook that repeats the run of {}.",
    "tokens": "Write what {} makes of each token as a table.",
}
PICTURE_TABS = ("pretext", "simclr", "mae")


def endpoints() -> dict[str, str]:
    """Every public name, and what it does in one line."""
    named = {f"{tab}_{name}": said for tab in RUN_TABS for name, said in RUNS.items()}
    named |= {f"{tab}_{name}": said for tab in PICTURE_TABS for name, said in {**TAKES, **LOADS}.items()}
    named |= {f"{tab}_pin": PIN for tab in RUN_TABS if tab not in UNPINNED}
    named |= {f"clip_{name}": said for name, said in LOADS.items()}
    named |= {f"{tab}_own_pictures": OWN_PICTURES for tab in PICTURE_TABS}
    named |= {f"{tab}_place_picture": PLACE_PICTURE for tab in PICTURE_TABS}
    for model in ("bert", "t5", "gpt"):
        named |= {f"language_{take}_{model}": said.format(model) for take, said in LANGUAGE_TAKES.items()}
    return named | OTHERS


def describe(demo: gr.Blocks) -> None:
    """Give each named endpoint of a built page its line, which API listings and MCP clients read.

    Its handler gets its name too: Gradio calls an endpoint's MCP tool after the handler.
    """
    named = endpoints()
    for event in _public(demo):
        handler: Any = getattr(event.fn, "__func__", event.fn)
        handler.__name__ = str(event.api_name)
        if (said := named.get(str(event.api_name))) is not None:
            event.api_description = said


def undescribed(demo: gr.Blocks) -> set[str]:
    """The public names of a built page that `endpoints` doesn't know."""
    return {str(event.api_name) for event in _public(demo)} - set(endpoints())


def _public(demo: gr.Blocks) -> Iterator[gr.blocks.BlockFunction]:
    return (event for event in demo.fns.values() if event.api_visibility == "public")
