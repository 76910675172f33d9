"""Run a benchmark: `python -m tests.benchmarks NAME [--json]`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from typing import Any

BENCHMARKS: dict[str, list[str]] = {
    "word2vec": ["tests.benchmarks.word2vec", "tests.benchmarks.word2vec_map", "tests.benchmarks.word2vec_browser"],
    "explorer": ["tests.benchmarks.explorer"],
    "attention": ["tests.benchmarks.attention"],
    "simclr": ["tests.benchmarks.simclr", "tests.benchmarks.augment", "tests.benchmarks.apples"],
    "mae": ["tests.benchmarks.mae"],
    "clip": ["tests.benchmarks.clip"],
    "language": ["tests.benchmarks.language"],
    "pretext": ["tests.benchmarks.pretext"],
    "first_page": ["tests.benchmarks.first_page"],
    "crowd": ["tests.benchmarks.crowd"],
    "answers": ["tests.benchmarks.answers"],
}
"""The modules of each benchmark, run in this order. A module has add_arguments(parser) and run(options), which
yields flat dictionaries of results, one a line."""


def main(arguments: list[str] | None = None) -> int:
    modules = {name: [importlib.import_module(path) for path in paths] for name, paths in BENCHMARKS.items()}
    options = _parser(modules).parse_args(arguments)
    for module in modules[options.benchmark]:
        for line in module.run(options):
            print(json.dumps(line, allow_nan=False) if options.json else "\n".join(_as_table(line)), flush=True)
    return 0


def _as_table(line: dict[str, Any]) -> Iterator[str]:
    width = max(map(len, line))
    for name, value in line.items():
        yield f"{name:<{width}}  {value:,.4g}" if isinstance(value, float) else f"{name:<{width}}  {value}"
    yield ""


def _parser(modules: dict[str, list[Any]]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure the playground.")
    benchmarks = parser.add_subparsers(dest="benchmark", required=True)
    for name, parts in modules.items():
        one = benchmarks.add_parser(name, help=(parts[0].__doc__ or "").splitlines()[0])
        one.add_argument("--json", action="store_true", help="one flat JSON object a line")
        for part in parts:
            part.add_arguments(one)
    return parser


if __name__ == "__main__":
    sys.exit(main())
