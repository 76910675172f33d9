"""A Space with ZeroGPU for a test: the real package, with stand-ins for what lends and for the GPU, which is the CPU.

Run as a process of its own, since the package patches torch: `python -m tests.backends.engine.lent_gpu`. It prints one
JSON object.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from backends.engine.trainer import Snapshot, Trainer

STEPS = 160


class Lender(BaseHTTPRequestHandler):
    """Answers as ZeroGPU's service does: it lends, or says that a visitor's quota is used up."""

    lends = True
    asked: list[tuple[str, dict[str, list[str]]]]

    def do_POST(self) -> None:
        """`schedule` names a device, or tells what is left; `allow` and `release` are noted."""
        parts = urlsplit(self.path)
        self.asked.append((parts.path, parse_qs(parts.query)))
        answer: dict[str, Any] = {"idle": False, "nvidiaIndex": 0, "nvidiaUUID": "GPU-0", "allowToken": "a"}
        if parts.path == "/schedule" and not Lender.lends:
            answer = {"left": 0, "wait": 3600}
        body = json.dumps(answer).encode()
        self.send_response(200 if Lender.lends or parts.path != "/schedule" else 429)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Train three runs: one to its end, one whose process is killed, one without quota; print what became of them."""
    Lender.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lender)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": f"http://127.0.0.1:{server.server_port}",
    }
    from backends.engine import zero_gpu

    zero_gpu.DEVICE, zero_gpu.STRETCH_SECONDS, zero_gpu.RETURN_SECONDS = "cpu", 0.5, 0.2
    lent_steps = zero_gpu.register()
    assert lent_steps is not None
    import spaces.zero.torch as package

    package.init = package.move = lambda *_, **__: None  # the two that need a GPU

    # As in the app, runs are not the main thread's: there the package lets every operation go through Python.
    with ThreadPoolExecutor(1) as thread:
        told = thread.submit(_train, lent_steps).result()
    print(json.dumps(told))
    server.shutdown()


def _train(lent_steps: Callable[[Trainer], Iterator[Snapshot]]) -> dict[str, Any]:
    from backends.mae.trainer import MAETrainer
    from tests.backends.mae.test_sweep import SMALL
    from tests.backends.simclr.conftest import toy_pictures

    def made() -> MAETrainer:
        return MAETrainer(SMALL.with_changes(steps=STEPS), pictures=toy_pictures(60))

    def weights_of(trainer: MAETrainer) -> float:
        return sum(float(value.double().abs().sum()) for value in trainer.model.state_dict().values())

    def run(during: Callable[[], None] | None = None) -> dict[str, Any]:
        Lender.asked.clear()
        trainer, shown = made(), []
        for snapshot in lent_steps(trainer):
            shown.append(snapshot.step)
            if during is not None and len(shown) == 2:
                during()
        return {
            "steps": STEPS,
            "shown": shown,
            "weights": weights_of(trainer),
            "frozen_step": trainer.freeze().step,
            "notes": trainer.notes,
            "asked": [path for path, _ in Lender.asked],
            "seconds_asked": [query["durationSeconds"][0] for path, query in Lender.asked if path == "/schedule"],
        }

    alone = made()
    *_, _last = alone.steps()
    told = {"alone": {"weights": weights_of(alone)}, "lent": run(), "killed": run(_kill_children)}
    Lender.lends = False
    told["refused"] = run()
    return told


def _kill_children() -> None:
    for child in multiprocessing.active_children():
        child.kill()


if __name__ == "__main__":
    main()
