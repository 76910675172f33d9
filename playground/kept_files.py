"""Kept runs as files: JSON that can be opened again, and CSV with a row for each number."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from playground.kept_runs import MAX_KEPT, KeptError, KeptRun

FORMAT, VERSION = "ssl-playground-runs", 1
MAX_FILE_BYTES = 8 << 20
CSV_COLUMNS = ("run", "method", "metric", "step", "step_unit", "seconds", "value")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula."""


def to_json(runs: Sequence[KeptRun]) -> str:
    """All of the runs, to be opened again with `from_bytes`."""
    whole = {"format": FORMAT, "version": VERSION, "runs": [run.model_dump(mode="json") for run in runs]}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def to_csv(runs: Sequence[KeptRun]) -> str:
    """A row for each run, metric and point that has a number."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for run in runs:
        for metric, values in run.metrics.items():
            for step, seconds, value in zip(run.steps, run.seconds, values, strict=True):
                if value is not None:
                    row = (_cell(run.name), run.method, metric, step, run.step_unit, f"{seconds:.3f}", repr(value))
                    writer.writerow(row)
    return made.getvalue()


def read_file(path: Path) -> list[KeptRun]:
    """Read the runs of a file.

    Raises:
        KeptError: it is too large, or holds something else; the sentence says what.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise KeptError(f"The file is larger than {MAX_FILE_BYTES >> 20} MB: choose one that Compare saved.")
    return from_bytes(path.read_bytes())


def from_bytes(data: bytes) -> list[KeptRun]:
    """Read runs, trusting nothing.

    Raises:
        KeptError: it is no such file, was written by a later version, or a run in it is not as it should be.
    """
    try:
        whole = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except KeptError:
        raise
    except (ValueError, RecursionError):
        raise KeptError("The file is no JSON in UTF-8: choose one that Compare saved.") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT or not isinstance(whole.get("runs"), list):
        raise KeptError("The file holds no runs: choose a .json that Compare saved.")
    if type(whole.get("version")) is not int or whole["version"] != VERSION:
        raise KeptError(f"The file’s version is not {VERSION}, which is all that this page reads: save the runs anew.")
    if not 1 <= len(whole["runs"]) <= MAX_KEPT:
        raise KeptError(f"The file holds {len(whole['runs']):,} runs: it must be 1 to {MAX_KEPT}.")
    return [_run(number, given) for number, given in enumerate(whole["runs"], 1)]


def _run(number: int, given: Any) -> KeptRun:
    try:
        return KeptRun.model_validate(given)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ", ".join(str(part)[:40] for part in problem["loc"] if part != "[key]")
    said = problem["msg"].removeprefix("Value error, ")
    where = f"Run {number} of the file can’t be used" + (f" ({place})" if place else "")
    raise KeptError(f"{where}: {said[:1].lower()}{said[1:]}.")


def _refuse_constant(name: str) -> NoReturn:
    raise KeptError(f"The file holds {name}, which is no number: choose one that Compare saved.")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
