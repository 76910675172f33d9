"""A store that is closed after its test, and a session in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from playground.session import Session, SessionStore


@pytest.fixture
def store() -> Iterator[SessionStore]:
    made = SessionStore(2, "cpu")
    yield made
    made.close()


@pytest.fixture
def session(store) -> Session:
    return store.attach("page", None)
