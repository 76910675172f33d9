"""Open the playground: `python app.py`, or `make run`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import threading
from pathlib import Path

HOSTED_PORT = 7860
"""Where a Space and most hosts look."""
LOCK_SECONDS = 0.001
"""How long a thread may hold Python's lock while others wait (Python's default is 5 ms): training goes first."""
WARM_UP_AFTER_SECONDS = 8.0
"""Compiling holds Python's lock; the first page comes before it."""


def main(arguments: list[str] | None = None) -> int:
    """Parse the flags, build the page, serve it until interrupted."""
    options = _parser().parse_args(arguments)
    from playground.limits import HOSTED, OWN, is_space

    hosted = options.hosted or is_space()
    limits = HOSTED if hosted else OWN
    if said := _refusal(options, hosted):
        print(said, file=sys.stderr)
        return 2
    from backends.engine import zero_gpu

    share_cores()
    on_zero_gpu = zero_gpu.is_zero_gpu()
    lent_steps = zero_gpu.register() if on_zero_gpu else None  # imports torch, in the package's own way
    from backends.engine.device import DeviceError, choose_device

    try:
        device = choose_device("cpu" if on_zero_gpu else options.device)
    except DeviceError as error:
        print(error, file=sys.stderr)
        return 2
    from playground import shell, warm_up
    from playground.session import SessionStore

    models = None
    if options.model_dir is not None:
        from backends.attention.heads import HeadsError
        from backends.attention.transformers_models import ModelFolder

        try:
            models = ModelFolder(options.model_dir)
        except HeadsError as error:
            print(error, file=sys.stderr)
            return 2
    from playground.lecture import LectureError, read_lecture

    store = SessionStore(options.max_runs or limits.max_runs, device, models, limits, lent_steps)
    try:
        steps = None if options.lecture is None else read_lecture(options.lecture)
        demo = shell.build(store, lecture=steps, note=zero_gpu.NOTE if lent_steps else "")
    except LectureError as error:
        store.close()
        print(error, file=sys.stderr)
        return 2
    _, address, shared = demo.launch(
        server_name=options.host or _host(hosted),
        server_port=options.port or (hosted_port() if hosted else None),  # None: Gradio looks for one itself
        share=options.share,
        prevent_thread_lock=True,
        mcp_server=options.mcp,
        **shell.launch_options(limits),
    )
    warm_up.first_page(address)
    print(f"SSL Playground: {shared or address}", flush=True)
    threading.Timer(WARM_UP_AFTER_SECONDS, warm_up.warm_up).start()
    try:
        demo.block_thread()
    finally:
        store.close()
        demo.close(verbose=False)
    return 0


def share_cores() -> None:
    """Let threads that train go first; call it before numpy and torch are first imported."""
    from backends.engine.threads import wait_politely

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads would get in the way of those that train
    wait_politely()
    sys.setswitchinterval(LOCK_SECONDS)


def _parser() -> argparse.ArgumentParser:
    from backends.engine.device import DEVICE_NAMES

    parser = argparse.ArgumentParser(description="Self-supervised learning, trained live in the browser.")
    parser.add_argument("--host", default=None, help="address to listen on (0.0.0.0: every network)")
    parser.add_argument("--port", type=_port, default=None, help="port (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="make a public link through gradio.live")
    parser.add_argument("--device", choices=DEVICE_NAMES, default="auto", help="where to train")
    parser.add_argument("--max-runs", type=_count, default=None, help="trainings at once; further ones queue")
    parser.add_argument("--model-dir", metavar="DIR", help="folder whose subfolders are models to look into")
    parser.add_argument("--lecture", type=Path, metavar="FILE", help="steps of lecture mode (default: ours)")
    parser.add_argument("--hosted", action="store_true", help="stricter limits, for strangers; a Space sets it itself")
    parser.add_argument("--mcp", action="store_true", help="offer the API as tools too (needs gradio[mcp])")
    return parser


def _refusal(options: argparse.Namespace, hosted: bool) -> str:
    """Why these flags don't go together, or can't be had here; empty: they can."""
    if hosted and options.model_dir is not None:
        return (
            "--model-dir opens folders of this machine, so it can't be had with --hosted or on a Space: leave it out."
        )
    if options.mcp and importlib.util.find_spec("mcp") is None:
        return "--mcp needs the package mcp: install it with pip install 'gradio[mcp]'."
    return ""


def _host(hosted: bool) -> str:
    return os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if hosted else "127.0.0.1")


def hosted_port() -> int:
    """The port that the host's environment names, or the one where most hosts look; the Dockerfile's check asks too."""
    named = os.environ.get("GRADIO_SERVER_PORT") or os.environ.get("PORT") or ""
    return int(named) if named.isdecimal() else HOSTED_PORT


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 64")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
