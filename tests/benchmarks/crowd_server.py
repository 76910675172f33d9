"""The app for the crowd: served as `app.py` serves it, and asked on standard input for what it holds."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from app import WARM_UP_AFTER_SECONDS, share_cores


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
