"""Makes every answer of a server late, by a time that differs, as a busy host or a far one does.

`python -m pytest -p tests.browser.late_answers -m "not slow and browser"`, or `make late`: what a page or a test takes
for granted of the order of answers shows there.
"""

from __future__ import annotations

import asyncio
import functools
import random
from typing import Any

from gradio.blocks import Blocks

BEFORE_SECONDS, AFTER_SECONDS = 0.15, 0.35
"""On average, before an event is worked on and before its answer goes out; most are shorter, some far longer."""

_process = Blocks.process_api


@functools.wraps(_process)
async def _late(self: Blocks, *arguments: Any, iterator: Any = None, **options: Any) -> Any:
    if iterator is not None:  # further values of an event that began late
        return await _process(self, *arguments, iterator=iterator, **options)
    await asyncio.sleep(random.expovariate(1 / BEFORE_SECONDS))
    values = await _process(self, *arguments, **options)
    await asyncio.sleep(random.expovariate(1 / AFTER_SECONDS))
    return values


Blocks.process_api = _late  # type: ignore[method-assign]
