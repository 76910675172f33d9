"""The app as a process of its own, for benchmarks that use it from outside."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Running:
    """An app that answers: its process, where, and how many seconds passed until it did."""

    process: subprocess.Popen[str]
    address: str
    seconds_to_answer: float


@contextlib.contextmanager
def running_app() -> Iterator[Running]:
    """Start `app.py` on a free port, wait until it answers, and end it at last."""
    port = free_port()
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield Running(process, f"http://127.0.0.1:{port}/", time.perf_counter() - begun)
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rss_mb(pid: int) -> int:
    """Megabytes that a process holds in memory; -1: it is gone."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return -1
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
    return round(int(found.group(1)) / 1024) if found else -1
