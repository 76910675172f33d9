"""How pretext tasks work: what is asked, the three losses, the shortcuts, and what became of them."""

from __future__ import annotations

import gradio as gr

FORMULAS = r"""
**A puzzle instead of a label.** Something is done to a picture $x$ that can be undone only by who knows what pictures
look like. What was done is the label, so there is one for every picture and nobody has to write it. The encoder $f$
that solves the puzzle is kept; the head $g$ that gives the answer is thrown away.

**Rotation.** $R_k$ turns a picture by $k$ quarters, $k \in \{0, 1, 2, 3\}$. The net says which:

$$\mathcal{L} = -\log p_k, \qquad p = \mathrm{softmax}\, g(f(R_k x))$$

To know which way is up one must find what stands up: stem, leaf, shadow. Colour does not help, so there is no reason
to keep it. A round thing looks the same in all four ways: the loss of such a picture can't fall below $\log 4 = 1.39$.

**Inpainting.** A hole $M$ is cut out; the net paints it, and only the hole counts:

$$\mathcal{L} = \frac{1}{3|M|} \sum_{i \in M} \lVert \hat x_i - x_i \rVert^2$$

The guess to beat fills each hole with the mean colour of the pixels around it. Where the border tells all, nothing has
to be understood: that is why the hole has to be large.

**Jigsaw.** The picture is cut into nine tiles that lie in any order. Each tile goes through the same encoder; from all
nine together the head says for every tile $i$ at which of nine places it belongs:

$$\mathcal{L} = -\frac{1}{9} \sum_{i} \log p_{i, \pi(i)}$$

Blank tiles, of one colour all over, fit anywhere and are left out of the count.

**Shortcuts.** A net finds the easiest way to be right, and that may be one that we did not think of. *Lit from above*:
the bright side is up. *A printed label*: whoever reads it knows which way is up. *Tiles that touch*: lines go on from
one tile to the next. *Colour*: tiles of equal colour belong together. Each solves the puzzle, and none needs to know
what an apple is. So one takes the shortcuts away: a gap between the tiles, grey or shifted colours.

**The features.** Probes, map and neighbours show the encoder whole, upright pictures without shortcuts. *10 nearest
neighbours*: a held-out picture gets the most frequent label among the ten training pictures whose features are most
like its own (cosine). *Linear*: least squares on the labels of the training pictures. The labels never reach the
training.

**Why they were left behind.** A puzzle teaches what solves it, and nobody knows beforehand what that will be. SimCLR
says instead which changes shall not matter; masked autoencoders hide so much that no border tells the answer. Measure
it under *Compare*.

**Other than in the papers.** Nets hundreds of times smaller; holes are filled by the squared error alone, without the
adversarial loss of Pathak et al.; all nine tiles get their places at once, where Noroozi and Favaro choose among a
fixed set of orders.

Pathak et al. (2016), *Context encoders*; Noroozi and Favaro (2016), *Unsupervised learning of visual representations
by solving jigsaw puzzles*; Gidaris, Singh and Komodakis (2018), *Unsupervised representation learning by predicting
image rotations*; Doersch, Gupta and Efros (2015), on shortcuts, *Unsupervised visual representation learning by
context prediction*.
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
