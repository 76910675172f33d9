"""The bench of the Language tab: what the three read of a sentence and have to say."""

from __future__ import annotations

import re

import pytest

from playground.session import Session
from playground.tabs import language_ways as ways
from tests.conftest import topic_lines

ATTACK = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def session(monkeypatch) -> Session:
    """A session whose tokenizer knows the words of three topics."""
    from backends.language.tokens import TextTokenizer

    lines = [f"{line}. we ask for peace." for line in topic_lines(200)]
    tokenizer = TextTokenizer.learn(lines, 600)
    monkeypatch.setattr(ways, "tokenizer_of", lambda session: tokenizer)
    return Session("token")


def texts(markup: str, kind: str) -> list[str]:
    return re.findall(rf'<span class="chip {kind}[^"]*"[^>]*>([^<]*)</span>', markup)


def way(markup: str, method: str) -> str:
    return re.search(rf'<section class="way of-{method}">.*?</section>', markup).group()


def shown(session: Session, text: str, ratio: float = 0.3, span: float = 2, broken: str = "spans") -> list:
    assert ways.set_ways(session, text, ratio, span, broken) == []
    return ways.views_of(session)


def test_gpt_is_asked_for_every_token_and_reads_the_one_before(session):
    _, markup, _ = shown(session, "wave sail oven butter")
    body = way(markup, "gpt")
    assert texts(body, "answer") == ["wave", "sail", "oven", "butter"]
    assert [*texts(body, " mark"), *re.findall(r'<span class="chip ">([^<]*)<', body)] == [
        "[START]",
        "wave",
        "sail",
        "oven",
    ]


def test_clicked_tokens_are_hidden_from_bert_and_t5_and_no_others(session):
    shown(session, "wave sail oven butter flour")
    ways.kept_ways(session).places = {1, 2}
    _, markup, _ = ways.views_of(session)
    assert texts(way(markup, "bert"), "mark") == ["[MASK]", "[MASK]"]
    assert texts(way(markup, "bert"), "answer") == ["sail", "oven"]
    assert texts(way(markup, "t5"), "answer") == ["&lt;X&gt;", "sail", "oven", "[END]"]


def test_another_draw_hides_others_and_the_same_seed_the_same(session):
    text = " ".join(topic_lines(3)[0:3])
    first = shown(session, text)[1]
    assert ways.views_of(session)[1] == first
    ways.kept_ways(session).seed += 1
    assert ways.views_of(session)[1] != first


def test_shuffled_sentences_come_in_another_order_and_are_asked_for_in_theirs(session):
    text = "wave sail. oven butter. violin chord. we ask for peace."
    for seed in range(5):
        ways.kept_ways(session).seed = seed
        _, markup, _ = shown(session, text, broken="sentences")
        body = way(markup, "t5")
        read = texts(body.split("decoder reads")[0], "")
        asked = texts(body, "answer")
        assert asked[-1] == "[END]"
        assert sorted(read) == sorted(asked[:-1])
        assert read != asked[:-1]


def test_one_sentence_alone_can_not_be_shuffled_and_that_is_said(session):
    assert "write two" in shown(session, "wave sail oven.", broken="sentences")[2]


@pytest.mark.parametrize(
    ("text", "said"), [("", "is empty"), ("   ", "is empty"), ("wave", "One token"), (None, "is empty")]
)
def test_too_little_is_a_sentence_and_the_bench_stays(session, text, said):
    shown(session, "wave sail oven")
    _, markup, note = shown(session, text)
    assert said in note
    assert not isinstance(markup, str)


@pytest.mark.parametrize("value", [float("nan"), "many", None, 5, True, -1])
def test_a_ratio_out_of_range_is_a_sentence(session, value):
    assert "Hidden is" in ways.set_ways(session, "wave sail", value, 3, "spans")[2]


def test_a_long_text_is_cut_and_that_is_said(session):
    _, markup, note = shown(session, "wave " * 10_000)
    assert "10,000 words were cut to the first 48 tokens" in note
    assert markup.count("answers from 48 tokens") == 3


@pytest.mark.parametrize("text", [ATTACK + " wave sail", "🙂 wave 👩‍🚀 sail", "שלום עולם wave", "ﷺ wave \x00 sail"])
def test_any_text_is_shown_as_text(session, text):
    tokens, markup, _ = shown(session, text)
    assert "<img" not in tokens + markup
    assert "way of-gpt" in markup


def test_hiding_everything_is_a_sentence(session):
    shown(session, "wave sail")
    ways.kept_ways(session).places = {0, 1}
    assert "Leave at least one token" in ways.views_of(session)[2]
