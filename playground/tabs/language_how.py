"""How the three work: what each maximises, with the lecture's symbols."""

from __future__ import annotations

import gradio as gr

TEXT = r"""
A text $w_1 \dots w_n$ is cut into tokens by byte-pair encoding, and hides parts of itself. No one writes a label.

**BERT** hides a set $M$ of places and asks for what stood there, given all the rest (Devlin et al., 2019):
$$\max_\theta \sum_{i \in M} \log p_\theta(w_i \mid w_{\setminus M})$$
Of the places, 80 % become [MASK], 10 % a random token, 10 % stay as they are: in use there is no [MASK] to wait for.

**T5** cuts spans out, puts a name $\langle X \rangle, \langle Y \rangle \dots$ where each was, and has a decoder write
all of them, $y_1 \dots y_m$, one token after the other (Raffel et al., 2020):
$$\max_\theta \sum_{j=1}^{m} \log p_\theta(y_j \mid y_{<j},\, w_{\setminus \text{spans}})$$
Or the sentences are shuffled, and it writes them in order.

**GPT** reads from left to right and asks at every place for the next token (Radford et al., 2018):
$$\max_\theta \sum_{i=1}^{n} \log p_\theta(w_i \mid w_{<i})$$

All three here are one transformer module: pre-norm blocks, scaled dot-product attention, output weights tied to the
embeddings. What differs is the mask: a token of BERT sees both sides, a token of GPT only what is before it, and T5's
decoder looks across to what its encoder read. BERT answers for a few of the places, GPT for all, so that the same
text teaches GPT more; but what BERT makes of a word knows both sides of it.

**Loss and perplexity.** The loss is the mean of $-\log p$ over the answers, in nats; the perplexity is
$e^{\text{loss}}$: among so many equally likely tokens the model still wavers. The dotted line is a guesser that only
knows how often each token comes. Whatever is below it was learned from context. The three losses answer different
questions: compare each with its own dotted line.
"""


def build_how_it_works() -> None:
    """Lay the explanation out where it is called."""
    gr.Markdown(
        TEXT,
        latex_delimiters=[
            {"left": "$$", "right": "$$", "display": True},
            {"left": "$", "right": "$", "display": False},
        ],
        elem_classes=["prose"],
    )
