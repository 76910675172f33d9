"""How a masked autoencoder works: the formulas, symbols as in the lecture, and what hiding saves."""

from __future__ import annotations

import gradio as gr

from backends.mae.config import MAEConfig
from backends.mae.masking import hidden_count
from backends.mae.sweep_config import RATIOS

PAPER_PATCHES = 196
"""Of a picture of 224 pixels in patches of 16, as in the paper."""

BEFORE_THE_TABLE = r"""
**Patches and mask.** A picture is cut into $L$ square patches $x_1, \dots, x_L$ of $P$ numbers each (three colours of
each pixel). A random set $M$ of them is hidden; the mask ratio $r$ says how many: $|M| = rL$, rounded.

**The encoder sees only what is visible.** Each visible patch becomes a token, $e_i = W x_i + p_i$, where $p_i$ says
where it stands; hidden patches are not there at all, not even as blanks. A transformer $f$ makes features
$h = f(\{e_i : i \notin M\})$. With 75 % hidden it works on a quarter of the tokens, so its layers do about a quarter of
the work, and attention, which pairs every token with every other, a sixteenth.
"""

AFTER_THE_TABLE = r"""
**The decoder paints.** The features go back to their places; every hidden place gets the same learned *mask token*
$m$, told apart by its position only. A small transformer $g$ over all $L$ places paints $\hat x_1, \dots, \hat x_L$.
It is thrown away afterwards; what is kept is $f$.

**The loss counts hidden patches only:**

$$\mathcal{L} = \frac{1}{|M|\,P} \sum_{i \in M} \lVert \hat x_i - x_i \rVert^2$$

Of the visible patches nothing is asked, so what the decoder paints there can be anything; that is why the picture
beside it has them copied in. *Guessing the visible mean* paints every hidden pixel in the mean colour of the visible
patches; the error ratio is the loss on held-out pictures over that guess's.

**Normalised targets.** Each patch may be painted less its mean $\mu_i$ and divided by its spread $\sigma_i$:
$\tilde x_i = (x_i - \mu_i) / \sqrt{\sigma_i^2 + \varepsilon}$, which asks for edges and texture, not for brightness. To
show such a painting as a picture one would need $\mu_i$ and $\sigma_i$ of the hidden patch, and they are part of the
answer: with them even a bad painting gets the right colours. So it is shown as it comes out.

**The features.** Probes, map and neighbours show the encoder the whole picture, nothing hidden, and take the mean of
its tokens. *10 nearest neighbours*: a held-out picture gets the most frequent label among the ten training pictures
whose features are most like its own (cosine). *Linear*: least squares on the labels of the training pictures. The
labels never reach the training.

**Why so much?** A neighbour gives a single hidden patch away: edges and colours just go on. Words are not like that,
and BERT hides 15 %. Which ratio makes the best features depends on pictures, net and time: measure it under
*Why 75 %?*

**Other than in the paper.** A net hundreds of times smaller, for pictures of 32 to 64 pixels, trained for minutes and
not for days; no class token; no crops or flips; positions with periods that suit few patches, and a start that learns
faster at this size. A block here is one rectangle, and the even grid exists at every ratio.

He, Chen, Xie, Li, Dollár and Girshick (2022), *Masked autoencoders are scalable vision learners*.
"""


def build_how_it_works() -> None:
    """Lay out the formulas and the table."""
    gr.Markdown(
        f"{BEFORE_THE_TABLE}\n{tokens_table()}\n{AFTER_THE_TABLE}",
        latex_delimiters=[
            {"left": "$$", "right": "$$", "display": True},
            {"left": "$", "right": "$", "display": False},
        ],
        elem_classes=["prose"],
    )


def tokens_table() -> str:
    """How many tokens the encoder sees at each ratio, and how many pairs attention compares, as Markdown."""
    patches = MAEConfig().patches
    rows = [_row(ratio, patches) for ratio in (0, *RATIOS)]
    titles = ("Hidden", f"Tokens seen, of {patches} here", "Pairs in attention", f"Of {PAPER_PATCHES} in the paper")
    head = f"| {' | '.join(titles)} |"
    return "\n".join([head, "|---:|---:|---:|---:|", *rows])


def _row(ratio: float, patches: int) -> str:
    here, paper = (count - (hidden_count(ratio, count) if ratio else 0) for count in (patches, PAPER_PATCHES))
    return f"| {ratio:.0%} | {here} | {here**2:,} | {paper} |".replace("%", " %")
