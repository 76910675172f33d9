"""The transformer that every model here shares: pre-norm blocks, scaled dot-product attention (Vaswani et al., 2017).

Encoder (BERT), decoder (GPT) and encoder-decoder (T5) are three arrangements of one `Block`. They run on torch's fused
`scaled_dot_product_attention`; given a `Look` they take an explicit path instead, which is slower, gives the same
numbers and gradients, keeps the attention weights and can silence heads.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MLP_RATIO = 4
INIT_SPREAD = 0.05
"""Standard deviation of fresh embeddings."""
GPT2_SPREAD = 0.02
"""Standard deviation of GPT-2's fresh weights."""
OWN_EPSILON = 1e-8
"""Least variance of what a source token has of its own: it can be a thousandth of what all share."""
DISTANCE_GAIN = 10.0
"""Of learned distances: AdamW moves a weight by about the learning rate a step, and scores move by whole units."""

SELF, CROSS = "self", "cross"
ENCODER, DECODER = "encoder", "decoder"


@dataclass
class Look:
    """What an explicit pass keeps, and what it leaves out. Give a fresh one to every pass.

    Attributes:
        weights: (B, heads, T, S) attention weights by (stack, kind, layer), such as ("decoder", "cross", 0).
        silenced: (stack, kind, layer, head) of heads whose output is replaced with zeros.
        stack: which stack is at work; set by the models.
        layer: which layer is at work; set by the models.
    """

    weights: dict[tuple[str, str, int], Tensor] = field(default_factory=dict)
    silenced: Collection[tuple[str, str, int, int]] = ()
    stack: str = ENCODER
    layer: int = 0

    def keep(self, kind: str, weights: Tensor, mixed: Tensor) -> Tensor:
        """Note the weights, and return the heads' outputs `mixed` (B, heads, T, d) without the silenced ones."""
        self.weights[self.stack, kind, self.layer] = weights
        quiet = [head for stack, k, layer, head in self.silenced if (stack, k, layer) == (self.stack, kind, self.layer)]
        if not quiet:
            return mixed
        kept = torch.ones(mixed.shape[1], device=mixed.device, dtype=mixed.dtype)
        kept[quiet] = 0
        return mixed * kept[:, None, None]


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    causal: bool = False,
    seen: Tensor | None = None,
    scaled: bool = True,
    bias: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention written out: softmax(q kᵀ / √d) v (Vaswani et al., equation 1).

    Args:
        q: (..., T, d) queries.
        k: (..., S, d) keys.
        v: (..., S, e) values.
        causal: a position sees itself and those before it; T = S.
        seen: broadcastable to (..., T, S), True where a key may be seen. A query that may see no key gets zeros.
        scaled: divide the scores by √d.
        bias: broadcastable to (..., T, S), added to the scores.

    Returns:
        (..., T, e) the weighted sums, and (..., T, S) the weights.
    """
    scores = q @ k.transpose(-1, -2)
    if scaled:
        scores = scores / math.sqrt(q.shape[-1])
    if bias is not None:
        scores = scores + bias
    allowed = seen
    if causal:
        lower = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
        allowed = lower if seen is None else lower & seen
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    weights = scores.softmax(-1)
    if allowed is not None:
        weights = weights.masked_fill(~allowed, 0.0)
    return weights @ v, weights


class Attention(nn.Module):
    """Multi-head self-attention over (B, T, D)."""

    def __init__(self, width: int, heads: int, *, reach: int = 0) -> None:
        """Take a width that the number of heads divides.

        With `reach` each head learns a score for each distance up to so many tokens, before and after; those further
        away share the last one's (scores as in Raffel et al., 2020, section 2.1; cut off as in Shaw et al., 2018).

        Raises:
            ValueError: it does not.
        """
        super().__init__()
        _check_heads(width, heads)
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.reach = reach
        if reach:
            self.distances = nn.Parameter(torch.zeros(heads, 2 * reach + 1))

    def forward(
        self, x: Tensor, *, causal: bool = False, seen: Tensor | None = None, look: Look | None = None
    ) -> Tensor:
        """Attend: (B, T, D) to (B, T, D).

        Args:
            x: the tokens.
            causal: a position may not see those after it.
            seen: (B, T) True for tokens that may be seen, such as all but the padding.
            look: take the explicit path and keep its weights there.
        """
        b, t, d = x.shape
        parts = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).unbind(2)  # so their gradients meet uncopied
        q, k, v = (part.transpose(1, 2) for part in parts)  # (B, heads, T, d_head)
        mixed = _mix(SELF, q, k, v, causal=causal, seen=seen, look=look, bias=self._bias(t))
        return self.out(mixed.transpose(1, 2).reshape(b, t, d))

    def ask(self, asked: Tensor, x: Tensor, asked_idx: Tensor) -> Tensor:
        """Attend from the tokens (B, A, D) at places (B, A) to all (B, T, D): (B, A, D), as `forward` does."""
        b, a, d = asked.shape
        weight, offset = self.qkv.weight, self.qkv.bias
        q = F.linear(asked, weight[:d], offset[:d]).view(b, a, self.heads, d // self.heads).transpose(1, 2)
        parts = F.linear(x, weight[d:], offset[d:]).view(b, -1, 2, self.heads, d // self.heads).unbind(2)
        k, v = (part.transpose(1, 2) for part in parts)
        bias = self._bias(x.shape[1])
        if bias is None:
            mixed = _mix(SELF, q, k, v, causal=False, seen=None, look=None)
        else:
            rows = F.embedding(asked_idx, bias.transpose(0, 1).flatten(1))  # as indexing, with a faster gradient
            rows = rows.view(b, a, self.heads, -1).transpose(1, 2)  # (B, heads, A, T)
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=rows)
        return self.out(mixed.transpose(1, 2).reshape(b, a, d))

    def _bias(self, length: int) -> Tensor | None:
        """(heads, T, T) learned scores of distances; None without `reach`."""
        if not self.reach:
            return None
        places = torch.arange(length, device=self.distances.device)
        distance = (places[:, None] - places[None]).clamp(-self.reach, self.reach)
        return DISTANCE_GAIN * self.distances[:, distance + self.reach]


class CrossAttention(nn.Module):
    """Multi-head attention of (B, T, D) over another sequence (B, S, D)."""

    def __init__(self, width: int, heads: int) -> None:
        """Take a width that the number of heads divides.

        Raises:
            ValueError: it does not.
        """
        super().__init__()
        _check_heads(width, heads)
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor, *, seen: Tensor | None = None, look: Look | None = None) -> Tensor:
        """Attend: (B, T, D) and (B, S, D) to (B, T, D); `seen` (B, S) and `look` as of `Attention`."""
        b, t, d = x.shape
        q = self.query(x).view(b, t, self.heads, d // self.heads).transpose(1, 2)
        parts = self.kv(memory).view(b, -1, 2, self.heads, d // self.heads).unbind(2)
        k, v = (part.transpose(1, 2) for part in parts)
        mixed = _mix(CROSS, q, k, v, causal=False, seen=seen, look=look)
        return self.out(mixed.transpose(1, 2).reshape(b, t, d))


def _check_heads(width: int, heads: int) -> None:
    if width % heads:
        raise ValueError(f"{heads} heads do not divide a width of {width}; choose a multiple.")


def _mix(
    kind: str,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    causal: bool,
    seen: Tensor | None,
    look: Look | None,
    bias: Tensor | None = None,
) -> Tensor:
    """(B, heads, T, d) of each head's weighted sums, on the fast path or the explicit one."""
    keys = None if seen is None else seen[:, None, None, :]
    if look is not None:
        mixed, weights = attend(q, k, v, causal=causal, seen=keys, bias=bias)
        return look.keep(kind, weights, mixed)
    if keys is None and bias is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    if causal:
        lower = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril()
        keys = lower if keys is None else keys & lower
    if bias is None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=keys)
    mask = bias if keys is None else bias.masked_fill(~keys, float("-inf"))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask.expand(len(q), -1, -1, -1))


class Block(nn.Module):
    """x + attention(norm(x)), then with `cross` x + cross attention(norm(x), memory), then x + MLP(norm(x))."""

    def __init__(self, width: int, heads: int, *, cross: bool = False, dropout: float = 0.0, reach: int = 0) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads, reach=reach)
        if cross:
            self.norm_cross = nn.LayerNorm(width)
            self.cross = CrossAttention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, MLP_RATIO * width), nn.GELU(), nn.Linear(MLP_RATIO * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor | None = None,
        *,
        causal: bool = False,
        seen: Tensor | None = None,
        memory_seen: Tensor | None = None,
        look: Look | None = None,
    ) -> Tensor:
        """(B, T, D) to (B, T, D); `memory` (B, S, D) is what a block with `cross` looks at, `memory_seen` (B, S)."""
        x = x + self.dropout(self.attention(self.norm_attention(x), causal=causal, seen=seen, look=look))
        if memory is not None:
            x = x + self.dropout(self.cross(self.norm_cross(x), memory, seen=memory_seen, look=look))
        return x + self.dropout(self.mlp(self.norm_mlp(x)))

    def ask(self, x: Tensor, asked_idx: Tensor) -> Tensor:
        """What `forward` gives at the places (B, A) of (B, T, D): (B, A, D), without working out the others."""
        normed = self.norm_attention(x)
        places = asked_idx[:, :, None].expand(-1, -1, x.shape[-1])
        x = x.gather(1, places) + self.dropout(self.attention.ask(normed.gather(1, places), normed, asked_idx))
        return x + self.dropout(self.mlp(self.norm_mlp(x)))


class Stack(nn.Module):
    """Blocks one after the other and a last norm."""

    def __init__(
        self,
        name: str,
        width: int,
        heads: int,
        depth: int,
        *,
        cross: bool = False,
        dropout: float = 0.0,
        reach: int = 0,
    ) -> None:
        """`name`, ENCODER or DECODER, is what a `Look` calls it; `reach` as of `Attention`."""
        super().__init__()
        self.name = name
        self.blocks = nn.ModuleList(
            Block(width, heads, cross=cross, dropout=dropout, reach=reach) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)

    def forward(
        self,
        x: Tensor,
        memory: Tensor | None = None,
        *,
        causal: bool = False,
        seen: Tensor | None = None,
        memory_seen: Tensor | None = None,
        look: Look | None = None,
    ) -> Tensor:
        """(B, T, D) to (B, T, D); arguments as of `Block`."""
        for number, block in enumerate(self.blocks):
            if look is not None:
                look.stack, look.layer = self.name, number
            x = block(x, memory, causal=causal, seen=seen, memory_seen=memory_seen, look=look)
        normed: Tensor = self.norm(x)
        return normed

    def ask(self, x: Tensor, asked_idx: Tensor) -> Tensor:
        """What `forward` gives at the places (B, A) alone: (B, A, D). The last block works out no other."""
        *blocks, last = self.blocks
        for block in blocks:
            x = block(x)
        normed: Tensor = self.norm(last.ask(x, asked_idx))
        return normed


class TokenEmbedding(nn.Module):
    """Learned vectors of tokens and of positions, added up; the same vectors score the output (tied weights)."""

    def __init__(self, vocabulary: int, width: int, longest: int) -> None:
        """`vocabulary` tokens, `longest` positions."""
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(longest, width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        nn.init.normal_(self.tokens.weight, std=INIT_SPREAD)
        nn.init.normal_(self.positions.weight, std=INIT_SPREAD)

    @property
    def longest(self) -> int:
        """How many tokens fit."""
        return self.positions.num_embeddings

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) token numbers to (B, T, D).

        Raises:
            ValueError: the sequence is longer than there are positions.
        """
        length = tokens.shape[1]
        if length > self.longest:
            raise ValueError(f"{length} tokens are more than the {self.longest} that this model has positions for.")
        embedded: Tensor = self.tokens(tokens) + self.positions.weight[:length]
        return embedded

    def logits(self, x: Tensor) -> Tensor:
        """(B, T, D) to (B, T, V): how well each token's vector fits, plus a bias for its frequency."""
        return F.linear(x, self.tokens.weight, self.bias)


class Encoder(nn.Module):
    """Every token sees every other: BERT's arrangement."""

    def __init__(
        self,
        vocabulary: int,
        width: int,
        heads: int,
        depth: int,
        longest: int,
        *,
        dropout: float = 0.0,
        reach: int = 0,
    ) -> None:
        """`reach` as of `Attention`."""
        super().__init__()
        self.embedding = TokenEmbedding(vocabulary, width, longest)
        self.stack = Stack(ENCODER, width, heads, depth, dropout=dropout, reach=reach)

    def features(self, tokens: Tensor, *, seen: Tensor | None = None, look: Look | None = None) -> Tensor:
        """(B, T) token numbers to (B, T, D); `seen` (B, T) is True for tokens, False for padding."""
        features: Tensor = self.stack(self.embedding(tokens), seen=seen, look=look)
        return features

    def forward(self, tokens: Tensor, *, seen: Tensor | None = None, look: Look | None = None) -> Tensor:
        """(B, T) token numbers to (B, T, V) logits."""
        return self.embedding.logits(self.features(tokens, seen=seen, look=look))


class Decoder(nn.Module):
    """Every token sees those before it: GPT's arrangement."""

    def __init__(
        self,
        vocabulary: int,
        width: int,
        heads: int,
        depth: int,
        longest: int,
        *,
        dropout: float = 0.0,
        reach: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(vocabulary, width, longest)
        self.stack = Stack(DECODER, width, heads, depth, dropout=dropout, reach=reach)

    def features(self, tokens: Tensor, *, look: Look | None = None) -> Tensor:
        """(B, T) token numbers to (B, T, D)."""
        features: Tensor = self.stack(self.embedding(tokens), causal=True, look=look)
        return features

    def forward(self, tokens: Tensor, *, look: Look | None = None) -> Tensor:
        """(B, T) token numbers to (B, T, V) logits of each next token."""
        return self.embedding.logits(self.features(tokens, look=look))


def centred(memory: Tensor, seen: Tensor | None = None) -> Tensor:
    """(B, S, D) less the mean of its tokens that `seen` (B, S) allows, normed: what each has that others have not.

    Without it what all tokens share reaches every place of the decoder at once, AdamW makes that grow within the first
    steps, and what the written tokens say is drowned. Centred alone, the rest was 3 % as long after 20 steps, and no
    gradient reached the encoder: so it is brought to length one again. Deviation from Raffel et al.
    """
    if seen is None:
        own = memory - memory.mean(1, keepdim=True)
    else:
        weight = seen[:, :, None].to(memory.dtype)
        own = memory - (memory * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp(min=1)
    return F.layer_norm(own, own.shape[-1:], eps=OWN_EPSILON)


class EncoderDecoder(nn.Module):
    """A decoder that also looks at what an encoder made of another sequence: T5's arrangement; see `centred`."""

    def __init__(
        self,
        vocabulary: int,
        width: int,
        heads: int,
        depth: int,
        longest: int,
        *,
        dropout: float = 0.0,
        reach: int = 0,
    ) -> None:
        """`depth` blocks in each half; both share the embedding; `reach`, of self-attention, as of `Attention`."""
        super().__init__()
        self.embedding = TokenEmbedding(vocabulary, width, longest)
        self.encoder = Stack(ENCODER, width, heads, depth, dropout=dropout, reach=reach)
        self.decoder = Stack(DECODER, width, heads, depth, cross=True, dropout=dropout, reach=reach)

    def encode(self, source: Tensor, *, seen: Tensor | None = None, look: Look | None = None) -> Tensor:
        """(B, S) token numbers to the memory (B, S, D)."""
        memory: Tensor = self.encoder(self.embedding(source), seen=seen, look=look)
        return memory

    def decode(self, target: Tensor, memory: Tensor, *, seen: Tensor | None = None, look: Look | None = None) -> Tensor:
        """(B, T) token numbers and the memory to (B, T, V) logits; `seen` (B, S) is of the source."""
        x = self.decoder(self.embedding(target), centred(memory, seen), causal=True, memory_seen=seen, look=look)
        return self.embedding.logits(x)

    def forward(
        self, source: Tensor, target: Tensor, *, seen: Tensor | None = None, look: Look | None = None
    ) -> Tensor:
        """(B, S) and (B, T) token numbers to (B, T, V) logits of each next token of the target."""
        return self.decode(target, self.encode(source, seen=seen, look=look), seen=seen, look=look)


def start_small(model: nn.Module, depth: int) -> None:
    """Draw a model's weights anew, after GPT-2: what a block adds begins small, by 1/√(2 · depth).

    With torch's own start three blocks of width 128 add eight times as much as the embeddings hold, with this one 1.6
    times; on the speeches it was 0.3 nats ahead after 400 steps. Embeddings and norms stay as they are. Source: Radford
    et al., "Language Models are Unsupervised Multitask Learners" (2019), section 2.3; layers that read are drawn wider
    here (`INIT_SPREAD`).
    """
    for name, parameter in model.named_parameters():
        if name.endswith((".out.weight", ".mlp.2.weight")):
            nn.init.normal_(parameter, std=GPT2_SPREAD / math.sqrt(2 * depth))
        elif name.endswith((".qkv.weight", ".query.weight", ".kv.weight", ".mlp.0.weight")):
            nn.init.normal_(parameter, std=INIT_SPREAD)
        elif name.endswith((".qkv.bias", ".query.bias", ".kv.bias", ".out.bias", ".mlp.0.bias", ".mlp.2.bias")):
            nn.init.zeros_(parameter)


def sine_positions_2d(side: int, width: int, longest: float = 100.0) -> Tensor:
    """Positions of a side × side grid as sines and cosines: (side², width), half for rows and half for columns.

    Periods run from 2π to 2π · longest cells, as in Vaswani et al., section 3.5, but far shorter: the grids are small.

    Raises:
        ValueError: width is not a multiple of 4.
    """
    if width % 4:
        raise ValueError(f"The width is {width}; two-dimensional positions need a multiple of 4.")
    rates = torch.exp(-math.log(longest) * torch.arange(width // 4) / (width // 4))
    angles = torch.arange(side)[:, None] * rates  # (side, width / 4)
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)  # (side, width / 2)
    rows = axis[:, None].expand(side, side, -1)
    columns = axis[None].expand(side, side, -1)
    return torch.cat([rows, columns], dim=2).reshape(side * side, width)
