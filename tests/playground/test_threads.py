"""Threads end when they have had nothing to do for a while, and come again when there is something."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import threading
import time
from pathlib import Path

import pytest

from playground import threads
from playground.threads import REST_SECONDS, RestingPool, give_memory_back, off_the_loop


def alive(name):
    return sum(thread.name.startswith(f"{name}_") for thread in threading.enumerate())


def until(condition, seconds=60.0):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def pool(request):
    pool = RestingPool(2, request.node.name)
    yield pool
    pool.shutdown()


def test_idle_threads_end_and_the_next_work_gets_new_ones(pool, request):
    assert pool.submit(lambda: 1).result(60) == 1
    assert alive(request.node.name) == 1
    pool.rest(time.monotonic() + REST_SECONDS + 1)
    until(lambda: alive(request.node.name) == 0)
    assert pool.submit(lambda: 2).result(60) == 2
    assert alive(request.node.name) == 1


def test_threads_that_work_or_have_just_worked_stay(pool, request):
    gate = threading.Event()
    working = pool.submit(gate.wait)
    pool.rest(time.monotonic() + 10 * REST_SECONDS)
    assert alive(request.node.name) == 1
    gate.set()
    assert working.result(60)
    until(lambda: pool._busy == 0)
    pool.rest()
    assert alive(request.node.name) == 1


def test_a_pool_that_rests_again_and_again_makes_nothing_new(pool):
    before = pool._pool
    pool.rest(time.monotonic() + 10 * REST_SECONDS)
    assert pool._pool is before


def test_no_more_than_the_pool_has_work_at_once(pool):
    gate, inside = threading.Event(), []

    def work():
        inside.append(1)
        gate.wait(60)

    waiting = [pool.submit(work) for _ in range(5)]
    until(lambda: len(inside) == 2)
    time.sleep(0.05)
    assert len(inside) == 2
    gate.set()
    for each in waiting:
        each.result(60)
    assert len(inside) == 5


def test_work_that_waits_is_forgotten_at_the_end(pool):
    gate = threading.Event()
    running = [pool.submit(gate.wait) for _ in range(2)]
    waiting = pool.submit(gate.wait)
    until(lambda: all(each.running() for each in running))
    pool.shutdown()
    gate.set()
    assert waiting.cancelled()
    assert all(each.result(60) for each in running)


def test_an_error_reaches_who_asked_and_the_pool_goes_on(pool):
    def work():
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        pool.submit(work).result(60)
    assert pool.submit(lambda: 3).result(60) == 3


def test_work_sees_the_context_of_who_asked(pool):
    whose = contextvars.ContextVar("whose", default="nobody's")

    async def ask():
        whose.set("mine")
        return await off_the_loop(lambda before, *, after: (before, whose.get(), after), 1, after=2)

    assert asyncio.run(ask()) == (1, "mine", 2)
    assert pool.submit(whose.get).result(60) == "nobody's"


@pytest.mark.skipif(threads._trim() is None, reason="this C library can't be told to give memory back")
def test_freed_memory_goes_back_to_the_system():
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    size, count = 64 << 10, 1024  # below the size from which each piece is mapped by itself
    pieces = [libc.malloc(size) for _ in range(count)]
    for piece in pieces:
        ctypes.memset(piece, 1, size)
    held = pieces.pop()  # at the end of the heap: what lies below can't go by itself
    for piece in pieces:
        libc.free(piece)
    before = resident()
    give_memory_back()
    assert before - resident() > size * count / 2
    libc.free(held)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
