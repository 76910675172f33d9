"""A store that is closed after its test, and a session in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import gradio as gr
import pytest

from playground.limits import HOSTED
from playground.session import Session, SessionStore


@pytest.fixture
def store() -> Iterator[SessionStore]:
    made = SessionStore(2, "cpu")
    yield made
    made.close()


@pytest.fixture
def session(store) -> Session:
    return store.attach("page", None)


@dataclass
class Served:
    """A running server of the whole page, as strangers find it."""

    address: str
    store: SessionStore
    demo: gr.Blocks


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The whole page with the limits for strangers; to build and open it takes seconds, so several modules share it."""
    from backends.analysis import projection
    from playground import shell, streams

    projection.warm_up()  # a map that comes to rest waits for it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "LINGER_SECONDS", 0.05)  # who asks thousands of times waits for each stream's end
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        limits = replace(HOSTED, queue=64, client_bytes=1_000_000, file_bytes=400_000)
        made = SessionStore(HOSTED.max_runs, "cpu", limits=limits)
        demo = shell.build(made)
        _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **shell.launch_options(limits))
        yield Served(address, made, demo)
        demo.close()
        made.close()
