"""Malformed requests to the whole app, drawn by hypothesis from what the app itself says it takes."""

from __future__ import annotations

import gzip
import io
import json
import logging
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import httpx
import numpy as np
from hypothesis import strategies as st
from PIL import Image

PATIENCE_SECONDS = 60.0
"""Of one answer: far beyond what any question takes; a training is cut off before."""
TRAINING_SECONDS = 1.0
"""After this a training that did start is paused."""
EVIL = [
    "<img src=x onerror=alert(1)>",
    "../../../../etc/passwd",
    "{}" * 500,
    "\x00\x1b[31m\u202e",
    "👩‍👩‍👧‍👦" * 50,
    "[MASK] " * 300,
    "a b " * 5_000,
    "<X> <Y> <X>",
    "NaN",
    "1e999",
    "-0",
    "",
    " ",
    "__import__('os')",
    "%s%n${7*7}",
]
FORGED_FILES: list[Any] = [
    {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
    {"path": "../../app.py", "meta": {"_type": "gradio.FileData"}, "orig_name": "<b>"},
    {"url": "http://127.0.0.1:1/x", "meta": {"_type": "gradio.FileData"}},
    {"path": "", "meta": {"_type": "gradio.FileData"}},
    {"path": None, "meta": {}},
    {"path": "data:text/html,<script>", "url": "file:///etc/passwd", "size": -1},
]

words = st.one_of(st.sampled_from(EVIL), st.text(max_size=30))
numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=True), st.sampled_from([0, -1, 1e308, 0.5, 2**31, 2**63])
)
leaves = st.one_of(st.none(), st.booleans(), numbers, words, st.sampled_from(FORGED_FILES))
junk = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=8,
)
wrong = st.one_of(
    st.sampled_from([float("nan"), float("inf"), -1e30, 2**70, 10**400, True, "", None, "1; drop", [1], {"a": 1}]),
    junk.filter(lambda value: not isinstance(value, int | float)),
)
"""What no setting may be."""
RUN_EVENTS = ("_train", "_step", "_reset")
KEYS = ["index", "value", "i", "cell", "word", "kind", "ids", "pick", "selected", "row", "x", "data", "name", "picture"]
event_data = st.one_of(junk, st.dictionaries(st.sampled_from(KEYS), junk, max_size=5))


@dataclass
class Heard:
    """What one request led to."""

    what: str
    status: int
    seconds: float
    said: str = ""


@dataclass
class Errors(logging.Handler):
    """Everything that was logged as an error or with a traceback."""

    records: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or record.levelno >= logging.ERROR:
            self.records.append(logging.Formatter().format(record))

    def __hash__(self) -> int:
        return id(self)


@contextmanager
def errors_logged() -> Iterator[Errors]:
    handler = Errors()
    logging.getLogger().addHandler(handler)
    try:
        yield handler
    finally:
        logging.getLogger().removeHandler(handler)


class Attacker:
    """Sends requests to a running page, and reads the answers to their end."""

    def __init__(self, address: str, demo: gr.Blocks) -> None:
        self.client = httpx.Client(base_url=address, timeout=PATIENCE_SECONDS)
        self.demo = demo
        self.events = {i: event for i, event in demo.fns.items() if event.fn is not None}
        self.opening = next(i for i, event in self.events.items() if event.name == "on_page_open")
        self.runs = {i for i, event in self.events.items() if str(event.api_name).endswith(RUN_EVENTS)}

    def bodies(self) -> st.SearchStrategy[tuple[int, list[Any], Any]]:
        """An event, values for its inputs (some of them what the page would send), and the data of the event."""
        return st.sampled_from(sorted(self.events)).flatmap(
            lambda i: st.tuples(
                st.just(i),
                st.one_of(self._values(i), self._values(i), st.lists(junk, max_size=6)),
                event_data,
            )
        )

    def _values(self, index: int) -> st.SearchStrategy[list[Any]]:
        shown = [getattr(block, "value", None) if _is_plain(block) else None for block in self.events[index].inputs]
        if index in self.runs and shown:  # with good settings a run would start, and nothing be learned of the door
            return st.tuples(st.integers(0, len(shown) - 1), wrong).map(
                lambda drawn: [*shown[: drawn[0]], drawn[1], *shown[drawn[0] + 1 :]]
            )
        return st.tuples(*(st.one_of(st.just(value), junk) for value in shown)).map(list)

    def call(self, index: int, data: list[Any], about: Any = None, *, page: str, query: dict[str, str] | None = None):
        """Join the queue with any values, and read what comes until it is over."""
        body = {"fn_index": index, "data": data, "event_data": about, "session_hash": page, "trigger_id": None}
        start = time.monotonic()
        what = (
            f"{self.events[index].name} ({self.events[index].api_name}) {json.dumps([data, about], default=str)[:300]}"
        )
        joined = self.client.post(
            "gradio_api/queue/join",
            content=json.dumps(body),
            params=query,
            headers={"Content-Type": "application/json"},
        )
        if joined.status_code != 200:
            return Heard(what, joined.status_code, time.monotonic() - start, joined.text)
        said = self._listen(joined.json()["event_id"], page, paused=index not in self.runs)
        return Heard(what, 200, time.monotonic() - start, said)

    def _listen(self, event: str, page: str, *, paused: bool) -> str:
        start, said, answer = time.monotonic(), "", ""
        with self.client.stream("GET", "gradio_api/queue/data", params={"session_hash": page}) as stream:
            for line in lines_of(stream.iter_bytes()):
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                said = line[5:]
                if message.get("msg") == "process_completed" and message.get("event_id") == event:
                    answer = said  # a stream that is left before its end may take the next event with it
                if message.get("msg") in ("close_stream", "unexpected_error"):
                    return answer or said
                if not paused and time.monotonic() - start > TRAINING_SECONDS:
                    paused = True
                    self.pause(page)
                if time.monotonic() - start > PATIENCE_SECONDS:
                    return answer or "HANG"
        return answer or said

    def markup(self, index: int, said: str) -> str:
        """What an answer has the browser read as HTML; the rest is put in as values of fields."""
        output = json.loads(said)["output"]
        if "data" not in output:
            return str(output)  # a refusal, which the page shows too
        answers = output["data"]
        blocks = self.events[index].outputs
        shown = [
            answer for block, answer in zip(blocks, answers, strict=True) if isinstance(block, gr.HTML | gr.Markdown)
        ]
        return "\n".join(str(answer.get("value", "")) if isinstance(answer, dict) else str(answer) for answer in shown)

    def pause(self, page: str) -> None:
        """Pause whatever this page trains."""
        for index, event in self.events.items():
            if str(event.api_name).endswith("_pause"):
                body = {"fn_index": index, "data": [], "session_hash": page}
                self.client.post("gradio_api/run/predict", json=body)

    def upload(self, name: str, data: bytes) -> tuple[int, list[str]]:
        """Upload one file; returns the status and where it lies."""
        answer = self.client.post("gradio_api/upload", files={"files": (name, data)})
        return answer.status_code, answer.json() if answer.status_code == 200 else []

    def takers(self) -> list[int]:
        """The events that take one file."""
        kinds = gr.File | gr.UploadButton
        return [i for i, event in self.events.items() if any(isinstance(block, kinds) for block in event.inputs)]


def lines_of(parts: Iterable[bytes]) -> Iterator[str]:
    """Lines of a stream of events; only a line feed ends one, unlike where Python splits texts."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from (line.decode() for line in whole)


def _is_plain(block: Any) -> bool:
    value = getattr(block, "value", None)
    return value is None or isinstance(value, str | int | float)


def good_files() -> dict[str, bytes]:
    """A small whole file of each kind that the page takes, to be broken."""
    picture = io.BytesIO()
    Image.fromarray(np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)).save(picture, "PNG")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for folder in ("a", "b"):
            for i in range(3):
                packed.writestr(f"{folder}/{i}.png", picture.getvalue())
        packed.writestr("captions.csv", "file,caption\na/0.png,<b>one</b>\n")
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    vectors = b"3 4\n" + b"".join(b"word%d 0.1 0.2 0.3 0.4\n" % i for i in range(3))
    return {
        "a.png": picture.getvalue(),
        "a.zip": archive.getvalue(),
        "model.safetensors": len(header).to_bytes(8, "little") + header + bytes(8),
        "vectors.txt": vectors,
        "vectors.bin": b"2 2\nab " + bytes(8) + b"cd " + bytes(8),
        "vectors.gz": gzip.compress(vectors),
        "text.txt": b"the ship sailed over the sea and the sailor sang " * 40,
        "a.svg": b"<svg onload='alert(1)' xmlns='http://www.w3.org/2000/svg'/>",
    }


@st.composite
def broken_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A whole file, cut, changed in some bytes, doubled or padded, under its own name or another's."""
    files = good_files()
    kind = draw(st.sampled_from(sorted(files)))
    data = bytearray(files[kind])
    for _ in range(draw(st.integers(0, 6))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    data = data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data
    data += draw(st.sampled_from([b"", b"\x00" * 100, b"\xff" * 7, bytes(data[:50]), b"\n1 2 3"]))
    name = draw(st.one_of(st.just(kind), st.sampled_from(sorted(files)), words.map(lambda text: f"{text[:80]}.zip")))
    return name.replace("\x00", "0").replace('"', "") or "x", bytes(data)


links = st.dictionaries(
    st.one_of(st.sampled_from(["tab", "word", "dim", "window", "map_points", "seed", "text", "task", "step"]), words),
    st.one_of(words, numbers.map(str), st.sampled_from(["word2vec", "clip", "mae", "pretext", "language"])),
    max_size=6,
)
