"""How torch's threads wait for each other."""

from __future__ import annotations

import os

SPINS = 1_000
"""How often a waiting thread looks again before it sleeps. With GNU OpenMP's own 300,000, training is twenty to thirty
times slower as soon as another process wants a core (the browser that draws, a second training); a thousand cost a
tenth on idle cores."""


def wait_politely() -> None:
    """Let threads that have nothing to do give their core away; call it before torch is first imported."""
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
