"""How attention works: the formulas, symbols as in the lecture."""

from __future__ import annotations

import gradio as gr

HOW_IT_WORKS = r"""
**Queries, keys, values.** Every token's vector $x_i$ is multiplied by three learned matrices: $q_i = x_i W_Q$ asks,
$k_i = x_i W_K$ is asked, $v_i = x_i W_V$ is what is handed over. How much token $i$ takes from token $j$ is their
scalar product, scaled and put through a softmax over $j$:

$$z_i = \sum_j \alpha_{ij} v_j, \qquad
\alpha_{ij} = \frac{\exp(q_i \cdot k_j / \sqrt{d_k})}{\sum_m \exp(q_i \cdot k_m / \sqrt{d_k})}$$

or for all tokens at once $Z = \mathrm{softmax}(Q K^\top / \sqrt{d_k})\, V$.

**Why the root.** If the components of $q$ and $k$ vary independently with variance 1, their product has variance $d_k$:
with 64 dimensions scores lie around 8 apart. A softmax of such numbers gives all its weight to one token, and its slope
$\alpha(1-\alpha)$ is next to nothing: nothing is learned. Divided by $\sqrt{d_k}$, the scores vary by about 1.

**Heads.** A layer has several sets of $W_Q, W_K, W_V$, each with its own, narrower vectors; their outputs are put side
by side and multiplied by $W_O$. A head can look at the token before, another one at what followed the same word before.

**Masks.** A model that writes (GPT) may not look ahead: scores of later tokens are set to $-\infty$ before the softmax.

**Why it replaced the LSTM.** An LSTM carries everything it has read in one vector of fixed size, changed at every step.
What a token from $L$ steps ago can still teach reaches it through $L$ multiplications, and fades or explodes. With
attention the way from any token to any other is one step. The price is $T^2$ scores for $T$ tokens, and that order must
be told to it: without positions, attention sees a bag of words.

**Rollout** multiplies the layers' weights, half attention and half the residual stream, to tell from which tokens a
position's vector comes: a rough guide, not an explanation (Abnar and Zuidema, 2020).

Vaswani et al. (2017), *Attention is all you need*; Hochreiter and Schmidhuber (1997), *Long short-term memory*; the
numbers 112 and 96 are from Alammar's *The illustrated transformer*.
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
