"""`python -m backends.recordings NAME ...`: record the named runs, or all, one after another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from backends.engine.threads import wait_politely
from backends.recordings.files import FOLDER, write
from backends.recordings.recipes import COMMAND, NAMES


def main(arguments: list[str] | None = None) -> int:
    """Record the named runs, or all; return the exit status (2: there is none of a name)."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Record runs for the lecture.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; none: all")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files go")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        print(f"There is no recording {unknown[0][:40]!r}; choose from {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    wait_politely()
    from backends.recordings.recorder import record

    for name in options.names or NAMES:
        path = write(record(name), options.folder)
        print(f"{path.name}: {path.stat().st_size:,} bytes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
