"""Work off the event loop, and giving back what it took: threads that have nothing to do, and freed memory.

A thread that has trained keeps a team of OpenMP's threads and a heap of its own for as long as it lives. So a pool here
ends its threads when they have been idle for a while, where `concurrent.futures` keeps them.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

REST_SECONDS = 20.0
"""How long a pool has nothing to do before its threads end."""

P = ParamSpec("P")
T = TypeVar("T")


class RestingPool:
    """At most `most` threads, named after `name`; `rest` ends them when they have been idle for `REST_SECONDS`."""

    def __init__(self, most: int, name: str) -> None:
        self._make = partial(ThreadPoolExecutor, most, name)
        self._lock = threading.Lock()
        self._pool = self._make()
        self._begun = False
        self._busy = 0
        self._idle_since = time.monotonic()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run something as soon as a thread is free, in the context of the caller."""
        with self._lock:
            future = self._pool.submit(copy_context().run, work)
            self._begun = True
            self._busy += 1
        future.add_done_callback(self._note_done)
        return future

    def rest(self, now: float | None = None) -> None:
        """End the threads if they have been idle for long enough; the next work gets new ones."""
        now = time.monotonic() if now is None else now
        with self._lock:
            if not self._begun or self._busy or now - self._idle_since < REST_SECONDS:
                return
            tired, self._pool, self._begun = self._pool, self._make(), False
        tired.shutdown(wait=False)

    def shutdown(self) -> None:
        """Take no more work, forget what waits, and let the threads end with what they do."""
        with self._lock:
            last = self._pool
        last.shutdown(wait=False, cancel_futures=True)  # without the lock: what is cancelled is noted

    def _note_done(self, _: Future[Any]) -> None:
        with self._lock:
            self._busy -= 1
            self._idle_since = time.monotonic()


SHORT_WORK = RestingPool(6, "short")
"""Draws, packs and opens: what takes a fraction of a second, which is long for the event loop."""


async def off_the_loop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run something short in a thread of `SHORT_WORK`, as `asyncio.to_thread` does in threads that stay."""
    return await asyncio.wrap_future(SHORT_WORK.submit(partial(work, *args, **kwargs)))


def give_memory_back() -> None:
    """Give freed memory back to the system, where the C library is one that can be told to (glibc).

    Its heaps, one for each of several threads, keep what is freed below something that is not: under a crowd that is a
    tenth of the process, and grows slowly.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        found = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return found
