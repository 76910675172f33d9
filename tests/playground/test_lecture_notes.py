"""Speaker notes: every step, escaped, with its link, printable."""

from __future__ import annotations

from playground.lecture import parse_lecture, shipped
from playground.lecture_notes import notes_html

ATTACK = "<img src=x onerror=window.hacked=1>"


def test_every_step_stands_there_with_its_number_texts_and_link():
    steps = shipped().steps
    page = notes_html("Lecture", steps, {"word2vec": "Word2Vec"}, {"word2vec": "12 s on two busy CPU cores"})
    for number, step in enumerate(steps, 1):
        assert f"<h2>{number}. " in page
        assert f'href="?step={step.id}"' in page
    assert page.count("<section>") == len(steps)
    assert "Word2Vec / By hand" in page
    assert "12 s on two busy CPU cores" in page
    assert "@media print" in page


def test_texts_are_escaped():
    text = (
        f'[[step]]\nid = "a"\ntab = "b"\ntitle = "{ATTACK}"\nsay = "{ATTACK}"\nclick = "{ATTACK}"\nsee = "{ATTACK}"\n'
    )
    page = notes_html(ATTACK, parse_lecture(text, "x").steps, {}, {})
    assert "<img" not in page
    assert "&lt;img" in page
