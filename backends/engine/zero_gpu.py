"""Hugging Face's ZeroGPU, which lends a GPU to one call of a function: there a run trains, in stretches.

The call runs in a forked process. Its arguments are pickled to it, what a generator yields is pickled back, and what it
holds is lost when it ends. So a stretch is sent the whole trainer as a parcel, trains it on the GPU, and sends back the
snapshots as they come and every now and then the trainer. Here the trainer lives on the CPU, becomes each copy that
comes back, and answers questions. After a pause the stretch under way runs to its end, and its snapshots wait here.

A trainer that is not `portable` trains on the CPU, and so does a run for which no GPU can be had. The package's own
queues and processes were tried, with a stand-in for what lends: there is no ZeroGPU where the tests run.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from backends.engine.trainer import Snapshot, Trainer, TrainingError

if TYPE_CHECKING:
    from backends.engine.parcels import Parcel

VARIABLE = "SPACES_ZERO_GPU"
"""ZeroGPU sets it. The package alone says nothing: it is on other Spaces too, where it does nothing."""
STRETCH_SECONDS = 10.0
"""How long a run holds a GPU before another visitor's may have it."""
ASKED_SECONDS = 25
"""What a stretch asks for: ZeroGPU ends what takes longer, and gives nothing to a visitor who has less left."""
RETURN_SECONDS = 2.0
"""How old the trainer here may be: between two returns questions are answered from the older one."""
DEVICE = "cuda"
LENT = "lent"
"""What stands for the device of a run that trains there."""
NOTE = (
    "This Space has ZeroGPU hardware: pictures and language train in stretches on a GPU that it lends, everything else "
    "on the CPU, and so does a run for which it has none."
)
NONE_LENT = "ZeroGPU has no GPU for you now, so this run goes on on the CPU: a later one asks again."

log = logging.getLogger(__name__)

Message: TypeAlias = "Snapshot | Parcel | TrainingError"
Stretch: TypeAlias = Callable[["Parcel"], Generator[Message, None, None]]


def is_zero_gpu(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this is a Space with ZeroGPU hardware."""
    value = (os.environ if environment is None else environment).get(VARIABLE, "")
    return value.lower() in ("1", "true")


def register() -> Callable[[Trainer], LentSteps] | None:
    """Put a stretch of training under `spaces.GPU`, before torch is imported; None: there is no package.

    Returns what trains in such stretches: in place of a portable trainer's own `steps`.
    """
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        log.warning("the package spaces is missing, so ZeroGPU will not let this Space start")
        return None
    lent: Stretch = spaces.GPU(duration=ASKED_SECONDS)(stretch)
    import torch

    # The package makes torch say that there is a GPU, so that an optimizer on the CPU asks for the GPU's streams and
    # fails. In the forked process the package puts the true answer back.
    torch.cuda.is_available = lambda: False
    return lambda trainer: LentSteps(trainer, lent)


def stretch(parcel: Parcel) -> Generator[Message, None, None]:
    """Train a packed trainer for `STRETCH_SECONDS`, on the GPU.

    Yields the snapshots as they come; the trainer, packed against what was sent, every `RETURN_SECONDS` and before the
    last snapshot; and a TrainingError if the training ends by one.
    """
    from backends.engine.parcels import pack, unpack

    trainer: Trainer = unpack(parcel, DEVICE)
    marks = parcel.marks()
    begun = returned = time.monotonic()
    try:
        for snapshot in trainer.steps():
            now = time.monotonic()
            over = snapshot.done or now - begun > STRETCH_SECONDS
            if over or now - returned > RETURN_SECONDS:
                yield pack(trainer).against(marks)
                returned = time.monotonic()
            yield snapshot
            if over:
                return
    except TrainingError as error:
        yield error


class LentSteps(Iterator[Snapshot]):
    """Stretch after stretch where a GPU is lent; in place of `Trainer.steps`, on the CPU from the moment when none is.

    Attributes:
        device: `LENT`, or the trainer's own from that moment on.
    """

    def __init__(self, trainer: Trainer, lent: Stretch) -> None:
        """Ask for no GPU yet: the first snapshot does."""
        self.device = LENT
        self._going = self._steps(trainer, lent)

    def __next__(self) -> Snapshot:
        """Train until the next snapshot.

        Raises:
            TrainingError: the training can't go on; the trainer is as it last came back.
        """
        return next(self._going)

    def close(self) -> None:
        """End the stretch under way; without it, that happens when nobody holds this any more."""
        self._going.close()

    def _steps(self, trainer: Trainer, lent: Stretch) -> Generator[Snapshot, None, None]:
        from backends.engine.parcels import Parcel, pack, unpack

        parcel = pack(trainer)
        while True:
            sent = parcel
            with contextlib.closing(_until_none_is_lent(lent, sent)) as messages:
                for message in messages:
                    if isinstance(message, Parcel):
                        parcel = message.filled(sent)
                        vars(trainer).update(vars(unpack(parcel, trainer.device)))
                    elif isinstance(message, Snapshot):
                        yield message
                        if message.done:
                            return
                    elif isinstance(message, TrainingError):
                        raise message
                    else:
                        trainer.notes = [*trainer.notes, message]
                        self.device = trainer.device
                        yield from trainer.steps()
                        return


def _until_none_is_lent(lent: Stretch, parcel: Parcel) -> Generator[Any, None, None]:
    """A stretch's messages; where it ends by an error, a sentence for the visitor."""
    try:
        yield from lent(parcel)
    except Exception as error:  # the package raises whatever its own queue, quota or process ended by
        log.warning("ZeroGPU: %s: %s", type(error).__name__, error)
        yield NONE_LENT
