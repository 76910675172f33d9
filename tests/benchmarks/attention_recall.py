"""LSTM against transformer at distance 100 through the command line, on a time budget, over five seeds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (1, 2, 3, 4, 5)
SECONDS, DISTANCE = 30, 100
WANTED_TRANSFORMER, WANTED_LSTM = 0.99, 0.3


def recall_lines(seconds: float = SECONDS, seeds: tuple[int, ...] = SEEDS) -> Iterator[dict[str, Any]]:
    """A line for each seed, and how many of them show what the lecture says."""
    kept = 0
    for seed in seeds:
        line = recall_line(seconds, seed)
        kept += line["as_the_lecture_says"]
        yield line
    yield {"what": "recall, seeds", "as_the_lecture_says": kept, "seeds": len(seeds), "wanted": len(seeds)}


def recall_line(seconds: float, seed: int) -> dict[str, Any]:
    """One run: both nets' accuracy at the end, and when the transformer was first seen to be perfect."""
    settings = ("--set", f"distance={DISTANCE}", "--set", f"seed={seed}")
    command = [sys.executable, "-m", "backends", "train", "recall", "--seconds", str(seconds), *settings, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    *_, last = lines = [json.loads(line) for line in done.stdout.splitlines()]
    perfect = [line["seconds"] for line in lines if line["transformer_accuracy"] >= WANTED_TRANSFORMER]
    scores = {name: last[name] for name in ("transformer_accuracy", "lstm_accuracy")}
    return {
        "what": "recall",
        "distance": DISTANCE,
        "seed": seed,
        "seconds": last["seconds"],
        "steps": last["step"],
        **scores,
        "transformer_perfect_after_seconds": perfect[0] if perfect else -1.0,
        "transformer_seconds": last["transformer_seconds"],
        "lstm_seconds": last["lstm_seconds"],
        "transformer_parameters": last["transformer_parameters"],
        "lstm_parameters": last["lstm_parameters"],
        "tokens_per_second": last["tokens_per_second"],
        "as_the_lecture_says": scores["transformer_accuracy"] >= WANTED_TRANSFORMER
        and scores["lstm_accuracy"] <= WANTED_LSTM,
    }
