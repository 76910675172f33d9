"""How CLIP works: the formulas, symbols as in the lecture."""

from __future__ import annotations

import gradio as gr

TEXT = r"""
**Two encoders, one space.** An image encoder $f$ and a text encoder $g$ end in vectors of the same length, brought to
length 1: $u_i = f(x_i) / \lVert f(x_i) \rVert$ for picture $x_i$, $v_j = g(t_j) / \lVert g(t_j) \rVert$ for caption
$t_j$. How well they fit is their cosine, $u_i \cdot v_j$.

**1 · Contrastive pre-training.** Of a batch of $N$ pairs all $N^2$ cosines are taken, $s_{ij} = u_i \cdot v_j / \tau$.
Each picture must find its caption among $N$, and each caption its picture:

$$\mathcal{L} = -\frac{1}{2N} \sum_{i=1}^{N} \left[ \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}}
+ \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ji}}} \right]$$

The temperature $\tau$ is learned too. No labels: the captions came with the pictures.

**SigLIP** asks each pair for itself, yes or no, $z_{ij} = 1$ on the diagonal and $-1$ elsewhere:

$$\mathcal{L} = -\frac{1}{N} \sum_{i,j} \log \sigma\big(z_{ij} (s_{ij} + b)\big)$$

So a score means something by itself, while a softmax only says which of the labels fits best.

**2 · A classifier out of text.** A label is put into templates, "an emoji of {}", each prompt is embedded, and their
mean, brought to length 1, is the label's class vector $w_k$. Nothing is trained.

**3 · Zero-shot prediction.** $p(k \mid x) = \operatorname{softmax}_k (u \cdot w_k / \tau)$. It always adds up to 1,
also where the right label is missing; look at the cosine behind it.

**What is tested.** For emoji, one of four artists (OpenMoji) and 150 of 1,567 names are never trained on. *One of ten*:
the right name among nine others of the same test, the exact mean over all choices of these; guessing gets 10 %. For
apples six combinations of colour and shape are never trained on; each part of them is known from others.

**The gap.** The loss only asks that a pair be closer than others, not that it meet. So pictures and captions may keep
to two regions of the sphere, as they do in OpenAI's CLIP, where a cosine of 0.3 is a good one; look under *The gap*.

**Other than in the paper.** Thousands of pairs instead of 400 million, nets hundreds of times smaller, short captions;
the mean over tokens stands for a caption; white margins are cut off the emoji, since one artist's are twice as wide as
another's, and dark outlines are drawn over some of them in training.

Radford, Kim, Hallacy, Ramesh, Goh, Agarwal et al. (2021), *Learning transferable visual models from natural language
supervision*. Zhai, Mustafa, Kolesnikov and Beyer (2023), *Sigmoid loss for language image pre-training*. Liang, Zhang,
Kwon, Yeung and Zou (2022), *Mind the gap*.
"""


def build_how_it_works() -> None:
    """Lay out the formulas."""
    gr.Markdown(
        TEXT,
        latex_delimiters=[
            {"left": "$$", "right": "$$", "display": True},
            {"left": "$", "right": "$", "display": False},
        ],
        elem_classes=["prose"],
    )
