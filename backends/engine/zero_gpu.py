"""Hugging Face's ZeroGPU, on which this project trains on the CPU, and why.

ZeroGPU lends a GPU to one call of a function under `spaces.GPU`. The call runs in a forked process: arguments and
results are pickled, a generator runs ahead of whoever reads it, and what the process holds is lost with the call. A run
here is a live trainer that is pulled a slice at a time, paused, resumed and asked questions between slices, and its
`steps()` is a generator, which can't be pickled: a slice trained in the fork never comes back. A whole run as one call
could stream its snapshots, but could be neither paused nor resumed, and would hold its visitor's GPU quota to the end.

ZeroGPU refuses to start a Space in which no function is under `spaces.GPU`, so one that does no work is registered.
This was tried with a stand-in for the package only: there is no ZeroGPU where the tests run.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping

VARIABLE = "SPACES_ZERO_GPU"
"""ZeroGPU sets it. The package alone says nothing: it is on other Spaces too, where it does nothing."""
NOTE = (
    "This Space has ZeroGPU hardware, which lends a GPU to single calls; a run that is paused and resumed can't use "
    "one. Everything trains on the CPU here."
)

log = logging.getLogger(__name__)


def is_zero_gpu(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this is a Space with ZeroGPU hardware."""
    value = (os.environ if environment is None else environment).get(VARIABLE, "")
    return value.lower() in ("1", "true")


def register() -> bool:
    """Put one function that does no work under `spaces.GPU`, before torch is imported; False: there is no package."""
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        log.warning("the package spaces is missing, so ZeroGPU will not let this Space start")
        return False
    spaces.GPU(duration=1)(_no_work)
    return True


def _no_work() -> None:
    return None
