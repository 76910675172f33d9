"""The lecture file: what is read, what is refused and where, and that the shipped one fits the page."""

from __future__ import annotations

import pytest

from backends.engine.config import MethodConfig, setting
from playground import lecture
from playground.lecture import LectureError, find_step, parse_lecture, read_lecture, shipped, stage
from playground.links import LinkTarget

GOOD = '[[step]]\nid = "one"\ntab = "toy"\ntitle = "One"\nsay = "Say."\nclick = "Click."\nsee = "See."\n'


class ToyConfig(MethodConfig):
    steps: int = setting(10, "How long.", label="Steps", ge=1, le=100)


TARGETS = {"toy": LinkTarget({"": ToyConfig})}


def refusal(text: str) -> str:
    with pytest.raises(LectureError) as refused:
        parse_lecture(text, "mine.toml")
    return str(refused.value)


def staged(text: str) -> lecture.Staged:
    return stage(parse_lecture(text, "mine.toml"), TARGETS, ("toy", "later"))


def test_a_step_has_its_texts_and_the_views_from_the_outside_in():
    (step,) = parse_lecture(GOOD + 'view = "Ask / BERT: fill a mask"\n', "mine.toml").steps
    assert (step.id, step.tab, step.say, step.click, step.see) == ("one", "toy", "Say.", "Click.", "See.")
    assert step.view == ("Ask", "BERT: fill a mask")
    assert step.line == 1


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("title = \n", 1, "invalid value"),
        (GOOD + "\nsay = \n", 9, "invalid value"),
        (GOOD + 'colour = "red"\n', 8, "no key “colour”"),
        (GOOD + "settings = 4\n", 8, "must be a text in quotes"),
        (GOOD + 'target = "a { color: red }"\n', 8, "CSS selector"),
        (GOOD + 'target = "</style><img>"\n', 8, "CSS selector"),
        (GOOD + 'recording = "none"\n', 8, "no such recording; choose from word2vec"),
        (GOOD + 'focus = "nothing"\n', 8, "one of all, views"),
        (GOOD + "\n" + GOOD, 10, "that of line 1 too"),
        (GOOD.replace('"one"', '"7"'), 2, "begins with a letter"),
        (GOOD.replace("Say.", "x" * 401), 5, "401 characters; it may have up to 400"),
        ("\n" + GOOD.replace('see = "See."\n', ""), 2, "lacks see"),
        ("\n\ncolour = 1\n", 3, "no key “colour” outside of a step"),
        ('title = "Empty"\n', 1, "there is no step"),
        ("[step]\n", 1, "there is no step"),
        (GOOD.replace("one", "a{}") * 0 + "".join(GOOD.replace("one", f"a{i}") for i in range(101)), 701, "up to 100"),
        ("a = " + "[" * 5_000, 1, "mine.toml"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, line, says):
    sentence = refusal(text)
    assert sentence.startswith(f"mine.toml, line {line}: ") or (line == 701 and "line 701" in sentence)
    assert says in sentence


def test_a_file_that_is_no_text_too_large_or_missing_is_refused(tmp_path):
    (tmp_path / "bytes.toml").write_bytes(b"title = 'a'\n\xff\xfe\n")
    (tmp_path / "large.toml").write_text("#" * (lecture.MAX_FILE_BYTES + 1))
    for name, says in (("bytes", "line 2"), ("large", "larger than"), ("nowhere", "can be read")):
        with pytest.raises(LectureError, match=says):
            read_lecture(tmp_path / f"{name}.toml")


def test_settings_are_read_like_a_link_and_a_refused_one_names_the_line_and_the_setting():
    good = staged(GOOD + 'settings = "steps=40"\n')
    assert good.links["one"].configs[""].steps == 40
    assert good.links["one"].query == "step=one"
    for wrong in ("steps=4000", "colour=red"):
        with pytest.raises(LectureError, match=r"line 1, step one, settings: "):
            staged(GOOD + f'settings = "{wrong}"\n')


def test_a_step_without_settings_sets_nothing():
    assert staged(GOOD).links == {}


def test_a_step_whose_tab_the_page_has_not_is_left_out_with_a_note_and_an_unknown_tab_is_refused():
    both = staged(GOOD + "\n" + GOOD.replace("one", "two").replace("toy", "later"))
    assert [step.id for step in both.steps] == ["one"]
    assert len(both.notes) == 1
    assert "later" in both.notes[0]
    with pytest.raises(LectureError, match="no tab “nowhere”; choose from toy, later"):
        staged(GOOD.replace("toy", "nowhere"))


def test_a_step_is_found_by_number_and_by_id():
    steps = parse_lecture(GOOD + "\n" + GOOD.replace("one", "two"), "mine.toml").steps
    assert find_step(steps, "2") is steps[1]
    assert find_step(steps, "one") is steps[0]
    for nonsense in ("0", "3", "-1", "²", "99999999", "three", "<img>"):
        assert find_step(steps, nonsense) is None


def test_the_shipped_lecture_visits_every_tab_in_order():
    steps = shipped().steps
    order = [
        step.tab
        for step, before in zip(steps, (None, *steps), strict=False)
        if before is None or before.tab != step.tab
    ]
    assert order == [
        "start",
        "word2vec",
        "attention",
        "language",
        "pretext",
        "simclr",
        "mae",
        "clip",
        "transfer",
        "start",
    ]
    assert 20 <= len(steps) <= 35
    assert all(len(step.say) <= 160 and step.say.count(". ") == 0 for step in steps), "one sentence to say"
