"""What a visitor takes home: a file that a click makes, in a folder of the session's own, and then downloads."""

from __future__ import annotations

import secrets
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from backends.engine.checkpoints import write_atomically
from playground.session import Session, SessionStore

FOLDER = "take_home_folder"
"""Where in `Session.uploads` the session's `Folder` is."""

Make = Callable[[Session, Path], tuple[Path | None, Any]]
"""Makes a file in the folder that is given; returns its path, or None where there is none, and the message's value."""


class Folder:
    """A session's files to take home; goes with the session. The name is unguessable, for Gradio serves its cache."""

    def __init__(self, cache: str | Path) -> None:
        """Choose a folder under Gradio's cache, whose files `delete_cache` removes in time."""
        self.path = Path(cache) / "take-home" / secrets.token_hex(16)
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def folder_of(session: Session, cache: str) -> Path:
    """The session's folder for files to take home; the first file that is written there makes it.

    Args:
        session: whose.
        cache: Gradio's folder.
    """
    folder = session.uploads.get(FOLDER)
    if not isinstance(folder, Folder):
        folder = session.uploads[FOLDER] = Folder(cache)
    return folder.path


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a file, which is whole or not there; returns its path."""

    def fill(temporary: Path) -> None:
        temporary.write_bytes(data)

    return write_atomically(path, fill)


def download_button(elem_id: str) -> gr.DownloadButton:
    """Lay out the hidden button that downloads what `wire_download` makes; a tab needs one.

    Gradio's button downloads what it held before the click; so a plain one makes the file and presses this one.
    """
    return gr.DownloadButton("Download", visible="hidden", elem_id=elem_id)


def wire_download(
    store: SessionStore, button: gr.Button, make: Make, file: gr.DownloadButton, message: gr.HTML, api_name: str
) -> None:
    """Let a button make a file and download it.

    Args:
        store: the sessions.
        button: what the visitor clicks.
        make: makes the file.
        file: a `download_button`.
        message: shows what `make` says.
        api_name: of the endpoint, which returns the file and what is said.
    """

    def on_take(request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        path, said = make(session, folder_of(session, file.GRADIO_CACHE))
        return [None if path is None else str(path), said]

    made = button.click(
        on_take,
        None,
        [file, message],
        api_name=api_name,
        show_progress="hidden",
        concurrency_limit=2,
        concurrency_id="take-home",
        trigger_mode="once",
    )
    made.then(None, None, None, js=f"() => {{ document.querySelector('#{file.elem_id}')?.click(); }}")
