"""Questions to trained models: answers that follow the chains, and sentences where there is no answer."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from backends.language.corruption import corrupt_spans, decoder_inputs
from backends.language.tokens import FIRST_ORDINARY, MASK_ID, SENTINEL_ID, SENTINEL_NAMES
from backends.language.trainer import FrozenLanguage
from backends.language.use import (
    LONGEST_ANSWER,
    LanguageError,
    continue_text,
    distribution,
    fill_masks,
    guess_places,
    layer_vectors,
    read_text,
    repair,
    sentence_vectors,
    write,
)


@pytest.fixture(scope="module")
def models(trained) -> dict[str, FrozenLanguage]:
    return {method: trainer.freeze() for method, trainer in trained.items()}


def test_masks_are_filled_with_what_follows_in_the_chain(models):
    filled = fill_masks(models["bert"], "violin chord [MASK] choir drum [MASK] concert flute")
    assert [guesses[0].token for guesses in filled.guesses] == ["tempo", "melody"]
    assert filled.text == "violin chord tempo choir drum melody concert flute"
    assert [filled.tokens.ids[place] for place in filled.places] == [3, 3]
    shares = [guess.probability for guess in filled.guesses[0]]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1
    assert len(fill_masks(models["bert"], "wave [MASK]", guesses=50).guesses[0]) == 50


def test_each_place_is_guessed_without_itself(models):
    tokens = read_text(models["bert"], "violin chord oven choir drum")
    guesses = guess_places(models["bert"], tokens)
    assert guesses[2][0].token == "tempo"
    filled = fill_masks(models["bert"], "violin chord [MASK] choir drum")
    assert guesses[2][0].probability == pytest.approx(filled.guesses[0][0].probability, abs=1e-5)


def test_gaps_are_filled_with_what_is_written_for_each(models):
    repaired = repair(models["t5"], "oven butter flour <X> soup garlic <Y> oven")
    assert [name for name, _ in repaired.answers] == ["<X>", "<Y>"]
    first, second = (answer for _, answer in repaired.answers)
    assert first.split()
    expected = f"oven butter flour {first} soup garlic {second} oven"
    assert repaired.text.replace(" ", "").replace("\n", "") == expected.replace(" ", "").replace("\n", "")
    assert len(repaired.probabilities) == len(repaired.written)
    assert all(0 <= share <= 1 for share in repaired.probabilities)


@pytest.mark.parametrize("gaps", [3, 10])
def test_each_gap_is_named_once_in_order_and_gets_at_most_twelve_tokens(models, gaps):
    frozen = models["t5"]
    names = SENTINEL_NAMES[:gaps]
    repaired = repair(frozen, " ".join(f"oven {name}" for name in names))
    assert [name for name, _ in repaired.answers] == list(names)
    assert not any(name in repaired.text for name in names)
    answers = [len(frozen.tokenizer.encode(answer).ids) for _, answer in repaired.answers]
    assert max(answers) <= LONGEST_ANSWER + 1  # an answer that begins with a sign gets a space before it here


def test_what_is_written_follows_the_likeliest_tokens(models):
    frozen = models["t5"]
    tokens = read_text(frozen, "wave sail harbour anchor tide reef captain gull")
    source = corrupt_spans(np.array([tokens.ids]), np.random.default_rng(0), places=[3]).source[0].tolist()
    written, probabilities = write(frozen, source)
    assert frozen.tokenizer.piece(written[0]) == "<X>"
    inputs = torch.from_numpy(decoder_inputs(np.array([written])))
    shares = frozen.model(torch.tensor([source]), inputs)[0].softmax(-1)
    assert probabilities == pytest.approx([float(shares[i, n]) for i, n in enumerate(written)], abs=1e-5)
    likeliest = shares[:, FIRST_ORDINARY:].argmax(1) + FIRST_ORDINARY
    assert all(likeliest[i] == n for i, n in enumerate(written) if n >= FIRST_ORDINARY)


def test_greedy_continuation_walks_the_chain_and_is_lazy(models):
    steps = continue_text(models["gpt"], "violin chord tempo", count=300, temperature=0)
    assert isinstance(steps, Iterator)
    first = next(steps)
    assert (first.token, first.text, first.kept) == ("choir", "violin chord tempo choir", 1)
    assert first.probability == 1
    assert first.guesses[0].token == "choir"
    assert next(steps).token == "drum"


def test_the_seed_decides_what_is_drawn(models):
    def told(seed: int, temperature: float = 1.5) -> str:
        return list(continue_text(models["gpt"], "wave", count=12, temperature=temperature, seed=seed))[-1].text

    assert told(1) == told(1)
    assert len({told(seed) for seed in range(4)}) > 1
    assert told(1, 0) == told(2, 0)


def test_a_long_continuation_slides_and_a_long_prompt_is_cut_and_that_is_said(models):
    steps = list(continue_text(models["gpt"], "wave sail " * 5_000, count=30, seed=3))
    assert len(steps) == 30
    assert "the model sees the last 23" in steps[0].note
    assert not next(continue_text(models["gpt"], "wave", count=1)).note
    assert "\n" in list(continue_text(models["gpt"], "wave", count=60, seed=1))[-1].text
    assert len(next(continue_text(models["gpt"], "", count=1, seed=1)).text) > 0


def test_the_distribution_of_a_step_is_softmax_then_top_k_then_top_p():
    logits = np.log(np.array([0.1, 0.4, 0.2, 0.3]))
    assert distribution(logits, 1.0) == pytest.approx([0.1, 0.4, 0.2, 0.3])
    assert distribution(logits, 0) == pytest.approx([0, 1, 0, 0])
    assert distribution(logits, 0.5) == pytest.approx(np.array([0.01, 0.16, 0.04, 0.09]) / 0.3)
    assert distribution(logits, 1.0, top_k=2) == pytest.approx([0, 4 / 7, 0, 3 / 7])
    assert distribution(logits, 1.0, top_p=0.6) == pytest.approx([0, 4 / 7, 0, 3 / 7])
    assert distribution(logits, 1.0, top_p=0.4) == pytest.approx([0, 1, 0, 0])
    assert distribution(logits, 1.0, top_k=3, top_p=0.5) == pytest.approx([0, 4 / 7, 0, 3 / 7])
    assert distribution(np.array([0.0, -np.inf]), 1.0) == pytest.approx([1, 0])


def test_sentences_of_one_topic_are_close(models):
    sentences = ["violin chord tempo choir", "drum melody concert", "wave sail harbour", "anchor tide reef captain"]
    vectors = sentence_vectors(models["bert"], sentences)
    unit = vectors - vectors.mean(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    cosines = unit @ unit.T
    assert min(cosines[0, 1], cosines[2, 3]) > max(cosines[:2, 2:].ravel())


@pytest.mark.parametrize("method", ["bert", "t5", "gpt"])
def test_a_sentences_vector_does_not_depend_on_those_beside_it(models, method):
    sentences = ["violin chord tempo choir", "drum", "wave sail harbour " * 30, "🙂"]
    vectors = sentence_vectors(models[method], sentences)
    assert vectors.shape == (4, 64)
    alone = np.concatenate([sentence_vectors(models[method], [sentence]) for sentence in sentences])
    assert np.allclose(alone, vectors, atol=1e-5)


@pytest.mark.parametrize("method", ["bert", "t5", "gpt"])
def test_tokens_across_layers_end_in_the_sentences_vector(models, method):
    found = layer_vectors(models[method], "violin chord tempo")
    assert found.vectors.shape == (2, 3, 64)
    assert np.allclose(
        found.vectors[-1].mean(0), sentence_vectors(models[method], ["violin chord tempo"])[0], atol=1e-5
    )
    assert not np.allclose(found.vectors[0], found.vectors[1], atol=1e-2)


def test_a_mark_is_one_only_to_the_model_that_learned_it(models):
    text = "violin [MASK] <X>"
    specials = {m: [n for n in read_text(frozen, text).ids if n < FIRST_ORDINARY] for m, frozen in models.items()}
    assert specials == {"bert": [MASK_ID], "t5": [SENTINEL_ID], "gpt": []}


@pytest.mark.parametrize(
    "text", ["🙂 [MASK] 🙂", "مرحبا [MASK]", "\ud800 [MASK]", "<b> [MASK] </b>", "[MASK] " + "x " * 9_999]
)
def test_strange_text_gets_an_answer(models, text):
    filled = fill_masks(models["bert"], text)
    assert len(filled.guesses) == 1
    assert repair(models["t5"], text.replace("[MASK]", "<X>")).answers
    assert next(continue_text(models["gpt"], text, count=1)).token


def test_a_long_text_is_cut_and_that_is_said(models):
    filled = fill_masks(models["bert"], "[MASK] " + "violin " * 10_000)
    assert filled.note == "10,001 words were cut to the first 23 tokens."
    assert len(filled.tokens) == 23
    assert not fill_masks(models["bert"], "[MASK] violin").note
    assert layer_vectors(models["t5"], "violin " * 10_000).vectors.shape[1] == 24


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m: fill_masks(m["bert"], "  "), "empty"),
        (lambda m: fill_masks(m["bert"], "violin"), r"has no \[MASK\]"),
        (lambda m: fill_masks(m["bert"], "violin " * 50 + "[MASK]"), "comes after the 23 tokens"),
        (lambda m: fill_masks(m["bert"], "[MASK]"), "nothing around"),
        (lambda m: fill_masks(m["gpt"], "[MASK] violin"), "choose BERT"),
        (lambda m: fill_masks(m["bert"], "[MASK] violin", guesses=0), "from 1 to 50"),
        (lambda m: fill_masks(m["bert"], None), "no text"),
        (lambda m: guess_places(m["bert"], read_text(m["bert"], "violin")), "One token alone"),
        (lambda m: repair(m["t5"], ""), "empty"),
        (lambda m: repair(m["t5"], "violin chord"), "no gap"),
        (lambda m: repair(m["t5"], "<X>"), "nothing around"),
        (lambda m: repair(m["bert"], "a <X>"), "choose T5"),
        (lambda m: continue_text(m["t5"], "a"), "choose GPT"),
        (lambda m: continue_text(m["gpt"], 3), "no text"),
        (lambda m: continue_text(m["gpt"], "a", temperature=math.nan), "temperature is nan; it must be a number"),
        (lambda m: continue_text(m["gpt"], "a", temperature=-1), "temperature is -1"),
        (lambda m: continue_text(m["gpt"], "a", temperature=None), "temperature is None"),
        (lambda m: continue_text(m["gpt"], "a", top_p=0), "Top-p is 0"),
        (lambda m: continue_text(m["gpt"], "a", top_k=1.5), "Top-k is 1.5; it must be a whole number"),
        (lambda m: continue_text(m["gpt"], "a", count=10**9), "number of new tokens"),
        (lambda m: continue_text(m["gpt"], "a", seed=-1), "seed"),
        (lambda m: sentence_vectors(m["bert"], []), "0 sentences"),
        (lambda m: sentence_vectors(m["bert"], ["violin", ""]), "empty"),
        (lambda m: layer_vectors(m["bert"], "\n"), "empty"),
    ],
)
def test_what_has_no_answer_is_said_in_one_sentence(models, ask, sentence):
    with pytest.raises(LanguageError, match=sentence) as refused:
        ask(models)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")
