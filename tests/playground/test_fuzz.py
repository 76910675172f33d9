"""Malformed requests to every event of the whole page: no traceback, no 5xx, no hang, and nobody loses a run.

The first tests are a seeded sample; the slow ones send more than five hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from playground.session import Session
from tests.playground.fuzzing import EVIL, Attacker, Heard, broken_files, errors_logged, junk, links

KEEPER, TAB = "keeper", "attention"
PAGES = 8
"""Pages that the requests come from, by turns, so that each finds what the ones before it left."""
QUICK, THOROUGH = 12, {"events": 300, "files": 160, "links": 60, "bodies": 60}


def seeded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )


@pytest.fixture(scope="module")
def attacker(served) -> Attacker:
    return Attacker(served.address, served.demo)


@pytest.fixture
def held_run(served, attacker, capfd) -> Iterator[Session]:
    """Somebody's run, trained before; afterwards it must be there and go on, and the log must be clean."""
    (step,) = [i for i, event in attacker.events.items() if event.api_name == f"{TAB}_step"]
    values = [block.value for block in attacker.events[step].inputs]
    assert "s trained" in attacker.call(step, values, page=KEEPER).said
    session = served.store.of(KEEPER)
    run = session.runs[TAB]
    before = run.snapshot.step
    with errors_logged() as errors:
        yield session
    assert served.store.of(KEEPER) is session
    assert session.runs[TAB] is run
    assert "s trained" in attacker.call(step, values, page=KEEPER).said
    assert run.snapshot.step > before
    assert errors.records == []
    captured = capfd.readouterr()
    assert "Traceback" not in captured.out + captured.err


def check(heard: Heard) -> None:
    assert heard.status < 500, heard
    assert heard.said != "HANG", heard
    assert "Traceback" not in heard.said, heard


def try_events(attacker: Attacker, examples: int) -> None:
    pages = iter(range(10**9))

    @seeded(examples)
    @given(attacker.bodies())
    def attack(body: tuple[int, list[Any], Any]) -> None:
        check(attacker.call(*body, page=f"events {next(pages) % PAGES}"))

    attack()


def try_files(attacker: Attacker, examples: int) -> None:
    pages = iter(range(10**9))

    @seeded(examples)
    @given(broken_files(), st.sampled_from(attacker.takers()), st.integers(0, 4))
    def attack(file: tuple[str, bytes], taker: int, own_name: int) -> None:
        inputs = attacker.events[taker].inputs
        kinds = [block for block in inputs if isinstance(block, gr.File | gr.UploadButton)]
        ending = next((kind for kind in kinds[0].file_types or [] if kind.startswith(".")), ".png")
        name = file[0] if own_name == 0 else f"file{ending}"
        status, paths = attacker.upload(name, file[1])
        assert status < 500
        about = {"path": paths[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}} if paths else None
        data = [about if block in kinds else getattr(block, "value", None) for block in inputs]
        check(attacker.call(taker, data, page=f"files {next(pages) % PAGES}"))

    attack()


def try_links(attacker: Attacker, examples: int) -> None:
    pages = iter(range(10**9))

    @seeded(examples)
    @given(links, junk)
    def attack(query: dict[str, str], saved: Any) -> None:
        heard = attacker.call(attacker.opening, [saved], page=f"links {next(pages) % PAGES}", query=query)
        check(heard)
        markup = attacker.markup(attacker.opening, heard.said)
        assert not any(evil in markup for evil in EVIL if evil.startswith("<")), heard

    attack()


def try_bodies(attacker: Attacker, examples: int) -> None:
    """Anything at all, as the body of each route that takes one."""
    routes = ["queue/join", "run/predict", "call/clip_ask", "call/v2/mae_mask", "cancel", "upload", "run/x", "reset"]

    anything = st.one_of(st.binary(max_size=200), junk.map(lambda value: repr(value).encode("utf-8", "replace")))

    @seeded(examples)
    @given(st.sampled_from(routes), anything)
    def attack(route: str, body: bytes) -> None:
        for kind in ("application/json", "multipart/form-data; boundary=b"):
            answer = attacker.client.post(f"gradio_api/{route}", content=body, headers={"Content-Type": kind})
            assert answer.status_code < 500, (route, body, answer.text)
            by_name = route.startswith("call/v2/") and body == b"{}"  # there, every argument may be left out
            assert by_name or answer.status_code >= 400 or answer.text == "[]", "nothing of it is a request"

    attack()


TRIES: dict[str, Callable[[Attacker, int], None]] = {
    "events": try_events,
    "files": try_files,
    "links": try_links,
    "bodies": try_bodies,
}


@pytest.mark.usefixtures("held_run")
@pytest.mark.parametrize("what", TRIES)
def test_a_sample_of_malformed_requests_does_no_harm(attacker, what):
    TRIES[what](attacker, QUICK if what != "links" else 3)


@pytest.mark.usefixtures("held_run")
def test_whoever_takes_a_file_stands_its_absence(attacker):
    for taker in attacker.takers():
        values = [getattr(block, "value", None) for block in attacker.events[taker].inputs]
        check(attacker.call(taker, values, page="no file"))


@pytest.mark.slow
@pytest.mark.usefixtures("held_run")
@pytest.mark.parametrize("what", TRIES)
def test_five_hundred_malformed_requests_do_no_harm(attacker, what):
    assert sum(THOROUGH.values()) >= 500
    TRIES[what](attacker, THOROUGH[what])
