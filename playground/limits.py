"""What one server gives its visitors: numbers in one place, passed to whoever keeps them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

SPACE_VARIABLE = "SPACE_ID"
"""Hugging Face sets it on every Space; a Space starts `python app.py` without flags."""
MEGABYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one server gives; the defaults are for a lecture or a desk.

    Attributes:
        max_runs: trainings at once, in all; further ones queue and see their place.
        session_runs: trainings at once, of one session; further ones are refused in a sentence.
        stretch_seconds: how long a run trains in one go before it pauses by itself.
        held_runs: runs kept in memory, training or not: about 20 MB each at word2vec's default settings.
        sessions: sessions kept; beyond that those unused for longest go.
        grace_seconds: a closed tab's run is freed after this long.
        idle_seconds: a run that nobody has touched for this long is freed, open tab or not.
        file_bytes: of one upload.
        client_bytes: of all uploads from one address that still lie on the disk.
        upload_bytes: of all uploads that still lie on the disk.
        upload_seconds: how long an upload that no handler took may lie there.
        body_bytes: of a request that is not an upload: texts, settings, a picture from a webcam.
        queue: events that may wait; Gradio answers 503 beyond.
    """

    max_runs: int = 4
    session_runs: int = 16
    stretch_seconds: float = float("inf")
    held_runs: int = 48
    sessions: int = 200
    grace_seconds: float = 60.0
    idle_seconds: float = 30 * 60.0
    file_bytes: int = 210 * MEGABYTE
    client_bytes: int = 1_000 * MEGABYTE
    upload_bytes: int = 4_000 * MEGABYTE
    upload_seconds: int = 3600
    body_bytes: int = 32 * MEGABYTE
    queue: int = 128

    @property
    def file_megabytes(self) -> int:
        """What one upload may have, in whole megabytes."""
        return self.file_bytes // MEGABYTE

    def up_to(self, count: int) -> str:
        """What a field says of its file's size, as in "up to 20 MB": `count` bytes, or what an upload may have."""
        return f"up to {min(count // MEGABYTE, self.file_megabytes)} MB"


OWN = Limits()
"""A file may be above the largest that is read (vectors, 200 MB), so that a slightly larger one gets our sentence."""
HOSTED = Limits(
    session_runs=2,
    stretch_seconds=15 * 60.0,
    held_runs=32,
    idle_seconds=10 * 60.0,
    file_bytes=32 * MEGABYTE,
    client_bytes=128 * MEGABYTE,
    upload_bytes=1_000 * MEGABYTE,
    upload_seconds=600,
    body_bytes=8 * MEGABYTE,
    queue=96,
)
"""For strangers: nobody takes more than half of the places, and what is left behind goes sooner."""


def is_space(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this is a Hugging Face Space."""
    return bool((os.environ if environment is None else environment).get(SPACE_VARIABLE))
