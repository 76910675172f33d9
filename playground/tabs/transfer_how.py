"""How transfer works: the four ways, the spread, and what is compared with what."""

from __future__ import annotations

import gradio as gr

FORMULAS = r"""
**Foundation model, then task.** An encoder $f$ is trained once, without labels, by some pretext. A task comes later: a
few examples $x_i$, pictures or passages of text, with labels $y_i$, as many of each class. What is the encoder worth
there?

**Linear probe.** The encoder stays as it is. One linear layer is fitted to its features, here by least squares on the
one-hot labels, which has a closed form:

$$W = \arg\min_W \sum_i \lVert W f(x_i) - y_i \rVert^2 + \lambda \lVert W \rVert^2, \qquad \lambda = 0.01\, n$$

Features are brought to mean 0 and standard deviation 1 first, by the labelled examples alone.

**Nearest neighbours.** Nothing is fitted: an example gets the label that most of the nearest labelled ones have, by
the cosine of their features. As many vote as there are labels per class, ten at most.

**Fine-tuning.** The encoder goes on learning on the labelled examples, with a new linear layer that starts at zero and
learns ten times as fast. Batch norms keep their statistics: a handful of examples has none. A good start is kept or
spoilt, which the learning rate decides.

**From scratch.** The same net with random weights, the same steps over the same batches. What differs from fine-tuning
is the start, so the distance of these two curves is what pre-training is worth.

**Seeds and spread.** Which examples are labelled is drawn anew for every seed; the set of few labels is part of the set
of more. A point is the mean over the draws, its bar their standard deviation. Two means are called different where the
bars don't touch. The drawn sets overlap and the held-out pictures are the same, so this is a rule of thumb, not a test.

**What an encoder may know.** The shipped encoders have seen the apples of the task, without their labels; held-out
pictures are new to all. CLIP is the exception: its captions name the apples' colour, shape and leaf, so it was told.
A net trained on apples meets emoji as a stranger.

**Text.** A passage of forty words is one example, the century of its speech its label; passages that name a year are
left out. word2vec gives it the mean of its words' vectors, BERT and GPT the mean of their last layer over its tokens.
What stands in for raw pixels is a bag of words: how often each of the 2,000 most frequent ones comes. Speeches are held
out by year, so that no speech is on both sides, but the shipped language models have read all of them, held-out ones
too: a pretext needs no label, and no label was shown to it.

**Other than in papers.** No augmentation while fine-tuning; nets hundreds of times smaller; a least-squares probe in
place of logistic regression.

He et al. (2022), *Masked autoencoders are scalable vision learners*, A.1, for the batch norm before the probe; Chen et
al. (2020), *A simple framework for contrastive learning*, for the protocol of few labels; Kornblith et al. (2019), *Do
better ImageNet models transfer better?*
"""


def build_how_it_works() -> None:
    """Lay the text out."""
    gr.Markdown(
        FORMULAS,
        latex_delimiters=[
            {"left": "$$", "right": "$$", "display": True},
            {"left": "$", "right": "$", "display": False},
        ],
        elem_classes=["prose"],
    )
