"""How a run is cut up, and its learning rate: a straight line from its start to almost zero."""

from __future__ import annotations

from dataclasses import dataclass

CHUNK_WORDS = 8_192
"""Running words per chunk, the unit of work: random numbers and learning rate depend on its number only."""
SOFTMAX_CHUNK_WORDS = 512
"""The same for the full softmax, which reads a hundred times fewer words in a slice."""
FINAL_SHARE = 0.004
"""The rate ends at this share of its start (gensim: 0.0001 of 0.025)."""


@dataclass(frozen=True)
class RateLine:
    """Chunk g trains at max(minimum, at_zero + slope * g)."""

    at_zero: float
    slope: float
    minimum: float

    def at(self, chunk: int) -> float:
        """The learning rate of one chunk."""
        return max(self.minimum, self.at_zero + self.slope * chunk)


def over_chunks(start_rate: float, total_chunks: int) -> RateLine:
    """Fall to zero over a known number of chunks."""
    return RateLine(start_rate, -start_rate / max(1, total_chunks), start_rate * FINAL_SHARE)


def over_seconds(start_rate: float, chunk: int, progress: float, chunks_left: float) -> RateLine:
    """Fall to zero over the rest of a time budget.

    Args:
        start_rate: the rate at the beginning of the run.
        chunk: the chunk that comes next.
        progress: share of the budget that is spent, in [0, 1].
        chunks_left: how many chunks the rest of the budget will probably hold.
    """
    rate_now = start_rate * (1 - progress)
    slope = -rate_now / max(1.0, chunks_left)
    return RateLine(rate_now - slope * chunk, slope, start_rate * FINAL_SHARE)
