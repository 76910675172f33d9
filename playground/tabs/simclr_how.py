"""How SimCLR works: the formulas, symbols as in the lecture."""

from __future__ import annotations

import gradio as gr

HOW_IT_WORKS = r"""
**Two views.** Each picture $x_k$ of a batch is augmented twice, at random: $\tilde x_{2k-1}$ and $\tilde x_{2k}$. An
encoder $f$ (a small convolution net) makes features $h = f(\tilde x)$; a projection head $g$ (two layers) makes
$z = g(h)$. The loss compares the $z$; what is kept afterwards is $f$, and probes read $h$.

**NT-Xent.** With the cosine $s_{i,j} = z_i^\top z_j / (\lVert z_i\rVert \lVert z_j\rVert)$ and the temperature
$\tau$, a pair of views $(i, j)$ of the same picture costs

$$\ell_{i,j} = -\log \frac{\exp(s_{i,j}/\tau)}{\sum_{k \ne i} \exp(s_{i,k}/\tau)}$$

and the loss is the mean over all $2N$ views. Every other view in the batch is a negative. Where all embeddings are the
same, each term is $\log(2N-1)$: that is collapse, and the negatives are what keeps NT-Xent from it.

**What is learned is what survives.** Two views of one apple share whatever the augmentations leave alone. If colour is
left alone, it is the easiest way to tell views of one apple from all others, and the features are about colour. If hues
are turned at random, colour says nothing any more and the net has to look at the shape. So the augmentations are the
place where you say what the features are for.

**Without negatives.** SimSiam predicts one view from the other and holds the target fixed (stop-gradient); Barlow Twins
brings the views' cross-correlation to the identity; VICReg asks every coordinate to vary and no two to say the same.

**The probes.** *10 nearest neighbours*: a held-out picture gets the most frequent label among the ten training pictures
whose features are most like its own (cosine). *Linear*: least squares on the labels of a thousand training pictures.
Both read frozen features; the labels never reach the training. *Alignment* and *uniformity* are those of Wang and Isola
(2020), *effective rank* is the exponential of the entropy of the singular values.

Chen, Kornblith, Norouzi and Hinton (2020), *A simple framework for contrastive learning of visual representations*.
"""


def build_how_it_works() -> None:
    """Lay out the formulas."""
    gr.Markdown(
        HOW_IT_WORKS,
        latex_delimiters=[
            {"left": "$$", "right": "$$", "display": True},
            {"left": "$", "right": "$", "display": False},
        ],
        elem_classes=["prose"],
    )
