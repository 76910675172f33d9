"""Makes every page slow, as on a weak or busy machine: frames, layouts and timers come later than a test may expect.

`python -m pytest -p tests.browser.slow_pages -m "not slow and browser"`; `make late` has it beside `late_answers`.
"""

from __future__ import annotations

import functools
from typing import Any

from playwright.sync_api import BrowserContext, Page

TIMES_SLOWER = 4

_new_page = BrowserContext.new_page


@functools.wraps(_new_page)
def _slow(self: BrowserContext, *arguments: Any, **options: Any) -> Page:
    page = _new_page(self, *arguments, **options)
    self.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": TIMES_SLOWER})
    return page


BrowserContext.new_page = _slow  # type: ignore[method-assign]
