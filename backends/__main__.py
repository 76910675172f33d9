"""The headless command line: `python -m backends train METHOD`, `python -m backends list`."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from backends.engine.config import MethodConfig
from backends.engine.device import DEVICE_NAMES, choose_device
from backends.engine.methods import METHODS, Method
from backends.engine.threads import wait_politely
from backends.engine.trainer import Snapshot, TrainingError

SECONDS_BETWEEN_LINES = 1.0
MAX_SECONDS = 24 * 3600


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit status (2 for a refused setting or file)."""
    options = _parser().parse_args(arguments)
    wait_politely()
    if options.command == "list":
        for method in METHODS.values():
            print(f"{method.name:<12} {method.summary}")
        return 0
    try:
        return _train(METHODS[options.method], options)
    except (ValueError, OSError, TrainingError) as error:
        print(f"{options.method}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _train(method: Method, options: argparse.Namespace) -> int:
    config = method.config.parse(_settings(options.set))
    trainer = method.build(config, data=options.data, device=choose_device(options.device), seconds=options.seconds)
    for note in trainer.notes:
        print(f"note: {note}", file=sys.stderr)
    printed = -math.inf
    for snapshot in trainer.steps():
        if not snapshot.done and time.monotonic() - printed >= SECONDS_BETWEEN_LINES:
            printed = time.monotonic()
            _print_line(_line(method, snapshot), options.json)
    last = {**_line(method, snapshot), **trainer.evaluate(), "done": True}
    if options.save:
        last["saved"] = [str(path) for path in trainer.save(options.save)]
    _print_line(last, options.json)
    return 0


def _line(method: Method, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "method": method.name,
        "step": snapshot.step,
        "seconds": round(snapshot.seconds, 3),
        **{name: _rounded(value) for name, value in snapshot.metrics.items()},
    }


def _print_line(values: dict[str, Any], as_json: bool) -> None:
    values = {name: _rounded(value) for name, value in values.items()}
    if as_json:
        print(json.dumps(values, allow_nan=False), flush=True)
    else:
        print("  ".join(f"{name} {value}" for name, value in values.items()), flush=True)


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return None if not math.isfinite(value) else float(f"{value:.6g}")


def _settings(pairs: list[str]) -> dict[str, str]:
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--set takes name=value, not {pair[:60]!r}.")
        settings[name.strip()] = value.strip()
    return settings


def _positive_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from above 0 to {MAX_SECONDS}")
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backends", description="Train the playground's methods headless.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the methods")
    train = commands.add_parser("train", help="train a method", description="Train a method.")
    methods = train.add_subparsers(dest="method", required=True)
    for method in METHODS.values():
        _add_method(methods, method)
    return parser


def _add_method(methods: Any, method: Method) -> None:
    parser = methods.add_parser(
        method.name,
        help=method.summary,
        description=method.summary.capitalize() + ".",
        epilog="settings (--set name=value):\n" + _settings_help(method.config),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=_positive_seconds, help="train this long; the schedule is fitted to it")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
    parser.add_argument("--json", action="store_true", help="one flat JSON object a line")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write what was learned into a folder")
    if method.data_help:
        parser.add_argument("--data", type=Path, metavar="PATH", help=f"your own data: {method.data_help}")
    else:
        parser.set_defaults(data=None)
    parser.add_argument("--device", choices=DEVICE_NAMES, default="auto", help="where to compute")


def _settings_help(config: type[MethodConfig]) -> str:
    lines = []
    for info in config.settings():
        unit = f" {info.unit}" if info.unit else ""
        lines.append(f"  {info.name} (default {info.default}{unit}; {info.range_text})\n      {info.description}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
