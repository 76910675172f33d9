"""The masked autoencoder: an encoder that sees only the visible patches, and a small decoder that paints the rest.

Source: He et al., "Masked Autoencoders Are Scalable Vision Learners" (2022). Differences: no class token unless asked
for (features are the mean over patches), positions with periods that suit small grids, and torch's own start for the
linear layers, queries and keys wider still, which learns far faster here than the narrow one of transformers' ViTMAE.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.mae.config import MAEConfig
from backends.nets.transformer import DECODER, ENCODER, Attention, Look, Stack, sine_positions_2d

MEAN, SPREAD = 0.5, 0.25
"""Pixels in [0, 1] are brought to about [-2, 2]."""
TOKEN_SPREAD = 0.02
"""Standard deviation of fresh mask and class tokens."""
SHARPER = 2.0
"""Queries and keys are drawn so many times wider than torch does: attention that starts less even finds the neighbours
sooner (held-out error after 250 steps of 64 apples 0.344 instead of 0.374 of guessing the visible mean)."""
VARIANCE_FLOOR = 1e-6
"""Added to a patch's variance before it is divided by, as in the reference code: flat patches have none."""


class MaskedAutoencoder(nn.Module):
    """Paints hidden patches from visible ones. L patches of P = 3 · patch² numbers; D wide, the decoder E."""

    def __init__(self, config: MAEConfig, *, class_token: bool = False) -> None:
        """Build the nets.

        Args:
            config: sizes, and what is painted.
            class_token: put a learned token before the patches in both halves, as the paper's model has; only the
                comparison with other implementations needs it.
        """
        super().__init__()
        self.config = config
        self.patch, self.side = int(config.patch), config.side
        width, thin, heads, numbers = int(config.width), int(config.decoder_width), int(config.heads), 3 * self.patch**2
        self.width = width
        self.embedding = nn.Linear(numbers, width)
        self.register_buffer("positions", sine_positions_2d(self.side, width), persistent=False)
        self.class_token = nn.Parameter(TOKEN_SPREAD * torch.randn(width)) if class_token else None
        self.encoder = Stack(ENCODER, width, heads, config.depth)
        self.bridge = nn.Linear(width, thin)
        self.mask_token = nn.Parameter(TOKEN_SPREAD * torch.randn(thin))
        self.register_buffer("decoder_positions", sine_positions_2d(self.side, thin), persistent=False)
        self.decoder = Stack(DECODER, thin, heads, config.decoder_depth)
        self.head = nn.Linear(thin, numbers)
        _sharpen(self)

    def forward(self, patches: Tensor, hidden: Tensor, *, look: Look | None = None) -> Tensor:
        """Paint every patch, hidden or not.

        Args:
            patches: (B, L, P) standardised.
            hidden: (B, L) bool, as many True in each row; none and all are allowed.
            look: take the explicit path and keep its attention weights.

        Returns:
            (B, L, P) in the space of `target`.
        """
        visible_idx, _ = split_patches(hidden)
        tokens = self.encode(patches, visible_idx, look=look)
        painted: Tensor = self.head(self.decode(tokens, visible_idx, look=look))
        return painted

    def loss(self, patches: Tensor, hidden: Tensor) -> Tensor:
        """Mean squared error over the hidden patches alone, in the space of `target`; arguments as of `forward`."""
        visible_idx, hidden_idx = split_patches(hidden)
        tokens = self._scattered(self.encode(patches, visible_idx), visible_idx)
        first = 0 if self.class_token is None else 1
        painted = self.head(self.decoder.ask(tokens, hidden_idx + first))  # (B, M, P): of the visible ones nobody asks
        return F.mse_loss(painted, self.target(_take(patches, hidden_idx)))

    def encode(self, patches: Tensor, visible_idx: Tensor | None = None, *, look: Look | None = None) -> Tensor:
        """(B, L, P) standardised patches to (B, V, D), of those in `visible_idx` (B, V) or of all.

        With a class token it comes first: (B, 1 + V, D).
        """
        positions = self.positions
        if visible_idx is not None:
            patches, positions = _take(patches, visible_idx), positions[visible_idx]
        x = self.embedding(patches) + positions
        if self.class_token is not None:
            x = torch.cat([self.class_token.expand(len(x), 1, -1), x], dim=1)
        if not x.shape[1]:
            return x  # all is hidden: the encoder has nothing to say
        encoded: Tensor = self.encoder(x, look=look)
        return encoded

    def decode(self, tokens: Tensor, visible_idx: Tensor, *, look: Look | None = None) -> Tensor:
        """The encoder's tokens at their places, mask tokens at all others, and the decoder over both: (B, L, E)."""
        decoded: Tensor = self.decoder(self._scattered(tokens, visible_idx), look=look)
        return decoded if self.class_token is None else decoded[:, 1:]

    def _scattered(self, tokens: Tensor, visible_idx: Tensor) -> Tensor:
        """What the decoder reads: (B, L, E), or (B, 1 + L, E) with a class token."""
        first = 0 if self.class_token is None else 1
        thin = self.bridge(tokens)
        seen = thin[:, first:]
        index = visible_idx[:, :, None].expand(-1, -1, seen.shape[-1])
        x = self.mask_token.expand(len(seen), self.side**2, -1).scatter(1, index, seen) + self.decoder_positions
        if first:
            x = torch.cat([thin[:, :1], x], dim=1)
        return x

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, D): the mean over all patches of the encoder, with nothing hidden."""
        encoded = self.encode(self.cut(images))
        return (encoded if self.class_token is None else encoded[:, 1:]).mean(dim=1)

    def cut(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, L, P) standardised patches."""
        return standardised(patchify(images, self.patch))

    def target(self, patches: Tensor) -> Tensor:
        """What is to be painted for (..., P) standardised patches: themselves, or normalised one by one."""
        return normalise(patches) if self.config.normalised else patches

    @property
    def error_scale(self) -> float:
        """Turns squared errors in the space of `target` into those that are shown: of pixels in [0, 1], or as is."""
        return 1.0 if self.config.normalised else SPREAD**2


def patchify(images: Tensor, patch: int) -> Tensor:
    """(B, 3, S, S) to (B, L, patch² · 3): row by row, and in each patch row by row with the colours innermost."""
    b, c, size, _ = images.shape
    side = size // patch
    cut = images.reshape(b, c, side, patch, side, patch).permute(0, 2, 4, 3, 5, 1)
    return cut.reshape(b, side * side, patch * patch * c)


def unpatchify(patches: Tensor, patch: int) -> Tensor:
    """(B, L, patch² · 3) back to (B, 3, S, S)."""
    b, count, numbers = patches.shape
    side, c = round(count**0.5), numbers // patch**2
    return patches.reshape(b, side, side, patch, patch, c).permute(0, 5, 1, 3, 2, 4).reshape(b, c, side * patch, -1)


def split_patches(hidden: Tensor) -> tuple[Tensor, Tensor]:
    """(B, L) bool with M True in each row to the places (B, L - M) of the visible and (B, M) of the hidden ones."""
    count = int(hidden[0].sum())
    order = hidden.to(torch.uint8).argsort(dim=1, stable=True)
    return order[:, : hidden.shape[1] - count], order[:, hidden.shape[1] - count :]


def standardised(pixels: Tensor) -> Tensor:
    """Bring pixels in [0, 1] to the range that nets take."""
    return (pixels - MEAN) / SPREAD


def normalise(patches: Tensor) -> Tensor:
    """(..., P): each patch less its mean, divided by its spread (He et al., section 4.1, "reconstruction target")."""
    variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
    return (patches - mean) / (variance + VARIANCE_FLOOR).sqrt()


@torch.no_grad()
def _sharpen(model: nn.Module) -> None:
    """Draw queries and keys wider; values stay as they are."""
    for module in model.modules():
        if isinstance(module, Attention):
            module.qkv.weight[: 2 * module.qkv.in_features] *= SHARPER


def _take(patches: Tensor, idx: Tensor) -> Tensor:
    """(B, L, P) and places (B, K) to (B, K, P)."""
    return patches.gather(1, idx[:, :, None].expand(-1, -1, patches.shape[-1]))
