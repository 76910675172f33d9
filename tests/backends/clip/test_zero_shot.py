"""The classifier made of texts, on a space whose answers are known."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from backends.clip import zero_shot
from backends.clip.tokens import Reading
from backends.clip.zero_shot import PromptError, combine, make_classes, occlude, read_labels, read_templates, score

SIZE = 16


class ToySpace:
    """A picture is its mean colour; a prompt is the sum of the colours it names."""

    scale, bias, size = 10.0, None, SIZE
    COLOURS: ClassVar = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}

    def embed_pictures(self, pictures: np.ndarray) -> np.ndarray:
        return zero_shot.unit(pictures.reshape(len(pictures), -1, 3).mean(axis=1) + 1e-3)

    def embed_prompts(self, prompts: Sequence[str]) -> np.ndarray:
        rows = [
            np.sum([self.COLOURS.get(word, (0.1, 0.1, 0.1)) for word in prompt.split()] or [(0.1, 0.1, 0.1)], axis=0)
            for prompt in prompts
        ]
        return zero_shot.unit(np.array(rows))

    def read(self, prompt: str) -> Reading:
        return Reading(tuple(prompt.split()), (), False)


SPACE = ToySpace()


def plain(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((SIZE, SIZE, 3), colour, np.uint8)


def test_class_vectors_are_the_mean_of_the_templates():
    classes = make_classes(SPACE, ["red", "blue"], ["{}", "a {}"])
    assert classes.prompts.shape == (2, 2, 3)
    assert np.allclose(np.linalg.norm(classes.vectors, axis=1), 1)
    expected = SPACE.embed_prompts(["red", "a red"]).mean(axis=0)
    assert np.allclose(classes.vectors[0], expected / np.linalg.norm(expected), atol=1e-6)
    assert (classes.agreement < 1).all()
    assert (classes.agreement > 0.9).all()


def test_scores_tell_softmax_cosine_and_each_label_alone():
    classes = make_classes(SPACE, ["red", "green"], ["{}"])
    pictures = SPACE.embed_pictures(np.stack([plain((200, 0, 0)), plain((0, 0, 200))]))
    scores = score(SPACE, pictures, classes.vectors)
    assert scores.softmax.sum(axis=1) == pytest.approx([1, 1])
    assert scores.softmax[0, 0] > 0.99
    assert scores.softmax[1] == pytest.approx([0.5, 0.5], abs=0.01)  # the right label is missing: softmax must divide
    assert (scores.alone[1] < 0.1).all()  # each label for itself says no
    assert scores.alone[0, 0] > 0.9


def test_one_label_has_probability_one_and_a_sentence_says_what_that_means():
    labels = read_labels("red\n")
    assert "probability is 1" in labels.notes[0]
    vectors = make_classes(SPACE, labels.names, ["{}"]).vectors
    assert score(SPACE, SPACE.embed_pictures(plain((0, 200, 0))[None]), vectors).softmax.tolist() == [[1.0]]


def test_labels_are_cleaned_bounded_and_it_is_said():
    labels = read_labels(" red \n\nred\n" + "x" * 300 + "\n")
    assert labels.names == ("red", "x" * 100)
    assert len(labels.notes) == 2
    many = read_labels("\n".join(f"label {i}" for i in range(500)))
    assert len(many.names) == zero_shot.MAX_LABELS
    assert "Of 500 labels" in many.notes[0]
    with pytest.raises(PromptError, match="no labels"):
        read_labels(" \n ")


def test_templates_need_their_braces():
    assert read_templates("") == ("{}",)
    assert read_templates("a {}\na {}\n{}!") == ("a {}", "{}!")
    for wrong in ("an emoji", "{} and {}"):
        with pytest.raises(PromptError, match="where the label goes"):
            read_templates(wrong)
    with pytest.raises(PromptError, match="at most"):
        read_templates("\n".join(f"{i} {{}}" for i in range(20)))


def test_braces_in_labels_are_only_text():
    classes = make_classes(SPACE, ["{0.__class__}", "{}"], ["a {}"])
    assert classes.vectors.shape == (2, 3)


def test_terms_are_added_and_subtracted():
    red, blue = SPACE.embed_prompts(["red", "blue"])
    both = combine([(1, red), (1, blue)])
    assert both == pytest.approx([0.5**0.5, 0, 0.5**0.5])
    assert combine([(1, both), (-(0.5**0.5), red)]) == pytest.approx([0, 0, 1], abs=1e-6)
    with pytest.raises(PromptError, match="cancel"):
        combine([(1, red), (-1, red)])
    with pytest.raises(PromptError, match="nothing to search"):
        combine([])


def test_occlusion_finds_the_part_that_speaks_for_the_prompt():
    picture = plain((0, 0, 120))
    picture[8:12, 4:8] = (255, 0, 0)
    heat = occlude(SPACE, picture, SPACE.embed_prompts(["red"])[0], cells=4)
    assert heat.shape == (4, 4)
    assert np.unravel_index(heat.argmax(), heat.shape) == (2, 1)


def test_ten_way_is_the_mean_over_all_choices_of_wrong_answers():
    cosines = np.random.default_rng(1).normal(size=(6, 6))
    class_idx = np.arange(6)
    wins = [
        cosines[i, i] > max(cosines[i, list(others)])
        for i in range(6)
        for others in itertools.combinations([j for j in range(6) if j != i], 2)
    ]
    assert zero_shot.ten_way(cosines, class_idx, ways=3) == pytest.approx(np.mean(wins))
    assert zero_shot.ten_way(cosines, class_idx, ways=50) == pytest.approx(zero_shot.top_k(cosines, class_idx, 1))


def test_a_collapsed_space_wins_nothing():
    assert zero_shot.ten_way(np.ones((5, 12)), np.arange(5)) == 0
    assert zero_shot.top_k(np.ones((5, 12)), np.arange(5), 5) == 0


def test_the_gap_is_the_distance_of_the_means():
    a, b = np.array([[1.0, 0], [1, 0]]), np.array([[0.0, 1], [0, 1]])
    assert zero_shot.modality_gap(a, b) == pytest.approx(2**0.5)
    assert zero_shot.modality_gap(a, a) == 0
