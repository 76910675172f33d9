"""The app for a crowd: served as `app.py` serves it, and asked on standard input for what it holds."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app import WARM_UP_AFTER_SECONDS, share_cores
from tests.benchmarks.app_process import ROOT, free_port


@dataclass(frozen=True)
class CrowdServer:
    """Where the app answers, its process, and what it holds: `rss_mb`, `threads`, `sessions`."""

    address: str
    pid: int
    held: Callable[[], dict[str, int]]


@contextlib.contextmanager
def crowd_server() -> Iterator[CrowdServer]:
    """Start the app on a free port, wait until it answers, and end it at last."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.crowd_server", str(port)]
    app = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert app.stdin is not None
    assert app.stdout is not None
    asked, told = app.stdin, app.stdout

    def held() -> dict[str, int]:
        asked.write("\n")
        asked.flush()
        answer: dict[str, int] = json.loads(told.readline())
        return answer

    try:
        told.readline()
        yield CrowdServer(f"http://127.0.0.1:{port}/", app.pid, held)
    finally:
        asked.close()
        app.terminate()
        app.wait(10)


def main(port: int) -> None:
    """Serve until standard input ends; every line there is answered with one JSON object."""
    share_cores()
    from playground import shell, warm_up
    from playground.limits import OWN
    from playground.session import SessionStore

    store = SessionStore(OWN.max_runs, "cpu")
    demo = shell.build(store)
    demo.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, **shell.launch_options())
    print("{}", flush=True)
    threading.Timer(WARM_UP_AFTER_SECONDS, warm_up.warm_up).start()
    for _ in sys.stdin:
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        held = {
            "rss_mb": round(int(status["VmRSS"].split()[0]) / 1024),
            "threads": int(status["Threads"]),
            "sessions": len(store._sessions),
        }
        print(json.dumps(held), flush=True)
    store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
