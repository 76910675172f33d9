"""The live runs of each browser session: create, look up, let them take turns, expire, free.

A run belongs to one browser session and lives here, never in a module global or in `gr.State`. A closed tab pauses
its run at once; within `Limits.grace_seconds` a reload finds it again by an unguessable token that the browser keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NoReturn

from backends.engine.config import MethodConfig
from backends.engine.misfortune import said_of
from backends.engine.trainer import Snapshot, Trainer, TrainingError
from playground.limits import OWN, Limits
from playground.threads import SHORT_WORK, RestingPool, give_memory_back

if TYPE_CHECKING:
    from backends.attention.transformers_models import ModelFolder
    from backends.engine.zero_gpu import LentSteps

SWEEP_SECONDS = 5.0
MEMORY_SECONDS = 30.0
HISTORY_POINTS = 1_000
QUEUE_POLL_SECONDS = 0.25

NOBODY = ("", "None")
"""What a request without `session_hash` is called."""

_worth_keeping: set[str] = set()

log = logging.getLogger(__name__)


def worth_keeping(key: str) -> str:
    """Declare that what stands under this key of `Session.uploads` is a visitor's own; returns the key.

    A session that holds such a thing makes room later than one that holds nothing.
    """
    _worth_keeping.add(key)
    return key


class FairLock:
    """A lock that is given in the order in which it was asked for, so that runs take turns."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._taken = False

    def __enter__(self) -> FairLock:
        with self._guard:
            if not self._taken:
                self._taken = True
                return self
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()
        return self

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


class Run:
    """One training run of one visitor: a trainer, how far it is, and a frozen copy to answer questions from."""

    def __init__(self, trainer: Trainer, device_lock: FairLock, lent: LentSteps | None = None) -> None:
        """Take turns by `device_lock`; `lent` trains in place of the trainer's own steps."""
        self.id = secrets.token_hex(4)
        self.trainer = trainer
        self.config: MethodConfig = trainer.config
        self.frozen: Any = trainer.freeze()
        self.snapshot: Snapshot | None = None
        self.history: list[Snapshot] = []
        self.failure: str | None = None
        self.note = ""
        self.stale = False
        self.views: dict[str, Any] = {}
        self._steps: Iterator[Snapshot] = trainer.steps() if lent is None else lent
        self._lent = lent
        self._lock = device_lock
        self._thinning = 1
        self._pulled = 0

    @property
    def done(self) -> bool:
        """Whether training reached its end."""
        return self.snapshot is not None and self.snapshot.done

    @property
    def device(self) -> str:
        """Where it trains: the trainer's device, or "lent"."""
        return self.trainer.device if self._lent is None else self._lent.device

    def pull(self) -> Snapshot | None:
        """Train one slice when it is this run's turn; None when training is over.

        Raises:
            TrainingError: training can't go on; `frozen` still holds the last good state.
        """
        with self._lock:
            if self.done or self.failure:
                return None
            try:
                snapshot = next(self._steps)
            except TrainingError as error:
                self.failure = str(error)
                raise
            except Exception as error:
                self._fail(error)
            try:
                self.frozen = self.trainer.freeze()
            except Exception as error:
                self._fail(error)
        self.snapshot = snapshot
        self._remember(snapshot)
        return snapshot

    def _fail(self, error: Exception) -> NoReturn:
        """End the run with a sentence; full memory is nobody's fault, anything else goes to the log."""
        said = said_of(error)
        if said is None:
            log.exception("a run ended by an unforeseen error")
        self.failure = said or "Training stopped at an internal error; what was learned so far is kept. Train again."
        raise TrainingError(self.failure) from error

    def _remember(self, snapshot: Snapshot) -> None:
        """Keep the curve's points; beyond `HISTORY_POINTS` drop every other one and go on at half the density."""
        self._pulled += 1
        if self._pulled % self._thinning == 0 or snapshot.done:
            self.history.append(snapshot)
        if len(self.history) > HISTORY_POINTS:
            self.history = self.history[::2]
            self._thinning *= 2


class Session:
    """What one browser tab holds: its runs by tab name, and what it uploaded."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.owner: str | None = None
        self.runs: dict[str, Run] = {}
        self.uploads: dict[str, Any] = {}
        self.touched = time.monotonic()
        self.left: float | None = None
        self._drivers: dict[str, object] = {}

    @property
    def holds_something(self) -> bool:
        """Whether there are runs, or anything else that is `worth_keeping`."""
        return bool(self.runs) or any(bool(self.uploads.get(key)) for key in tuple(_worth_keeping))

    def drive(self, tab: str) -> object:
        """Become the one event that trains in this tab; whoever did before finds `is_driver` false and ends."""
        driver = object()
        self._drivers[tab] = driver
        return driver

    def is_driver(self, tab: str, driver: object) -> bool:
        """Whether this event may go on training."""
        return self._drivers.get(tab) is driver and self.left is None

    def is_driven(self, tab: str) -> bool:
        """Whether some event is training in this tab now."""
        return tab in self._drivers

    def training(self) -> int:
        """How many of this session's runs train or wait now."""
        return len(self._drivers)

    def stop(self, tab: str, driver: object | None = None) -> None:
        """Pause: the driving event (or only this one) ends before its next slice."""
        if driver is None or self._drivers.get(tab) is driver:
            self._drivers.pop(tab, None)

    def adopt(self, other: Session) -> None:
        """Take over the runs, now paused, and the uploads of another session that this one has none of."""
        self.runs |= {tab: run for tab, run in other.runs.items() if tab not in self.runs}
        self.uploads |= {key: kept for key, kept in other.uploads.items() if key not in self.uploads}

    def stop_all(self) -> None:
        """Pause every run."""
        self._drivers.clear()


class SessionStore:
    """All sessions of the server, and the places in which runs train."""

    def __init__(
        self,
        max_runs: int,
        device: str,
        model_folder: ModelFolder | None = None,
        limits: Limits = OWN,
        lent_steps: Callable[[Trainer], LentSteps] | None = None,
    ) -> None:
        """Take at most `max_runs` trainings at once on `device`; further ones queue.

        `model_folder` holds the trained models that the operator offers; `limits` says what else visitors may have.
        `lent_steps` trains portable trainers elsewhere, where the host lends a device.
        """
        self.max_runs = max_runs
        self.limits = limits
        self.device = device
        self._lent_steps = lent_steps
        self.model_folder = model_folder
        self.device_lock = FairLock()
        self.workers = RestingPool(max_runs + 2, "run")
        self.map_worker = RestingPool(1, "map")
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._by_owner: dict[str, Session] = {}
        self._lock = threading.RLock()
        self._places: list[object] = []
        self._sweeper: threading.Thread | None = None

    def run_of(self, trainer: Trainer) -> Run:
        """Make a run; one that trains on a lent device keeps nobody from this one."""
        if self._lent_steps is None or not trainer.portable:
            return Run(trainer, self.device_lock)
        return Run(trainer, FairLock(), self._lent_steps(trainer))

    def attach(self, owner: str, token: str | None, reloaded: bool = False) -> Session:
        """Give a page its session: the one behind the token if no other open page has it, else the one it made itself.

        A page that says it was `reloaded` takes the session over: the page before it is gone, known here or not yet.
        What a visitor did before the page had opened (see `of`) is kept, where the token's session has none of it.
        """
        with self._lock:
            self._ensure_sweeper()
            known = self._sessions.get(token) if isinstance(token, str) else None
            if reloaded and known is not None and known.owner not in (None, owner):
                self.detach(str(known.owner))
            session = known if known is not None and known.owner in (None, owner) else None
            early = self._by_owner.get(owner)
            if session is None:
                session = early or Session(secrets.token_urlsafe(24))
                self._sessions[session.token] = session
            if early is not None and early is not session:
                session.adopt(early)
                self._free(early)
            session.owner, session.left = owner, None
            self._by_owner[owner] = session
            self.touch(session)
            self.evict()
            return session

    def is_taken(self, token: object, owner: str) -> bool:
        """Whether another open page has the session behind this token."""
        with self._lock:
            session = self._sessions.get(token) if isinstance(token, str) else None
            return session is not None and session.owner not in (None, owner)

    def knows(self, owner: str) -> bool:
        """Whether this page has a session."""
        with self._lock:
            return owner in self._by_owner

    def of(self, owner: str) -> Session:
        """Return a page's session, made on the spot for a client that never loaded the page.

        Who gives no name of a page gets one that is forgotten at once: else such clients would share it.
        """
        with self._lock:
            if owner in NOBODY:
                return Session(secrets.token_urlsafe(24))
            session = self._by_owner.get(owner)
            if session is None:
                return self.attach(owner, None)
            self.touch(session)
            return session

    def touch(self, session: Session) -> None:
        """Note that a session is in use."""
        with self._lock:
            session.touched = time.monotonic()
            if session.token in self._sessions:
                self._sessions.move_to_end(session.token)

    def detach(self, owner: str) -> None:
        """A page was closed: pause its runs at once, free them after the grace time."""
        with self._lock:
            session = self._by_owner.pop(owner, None)
            if session is not None and session.owner == owner:
                session.owner, session.left = None, time.monotonic()
                session.stop_all()

    def sweep(self, now: float | None = None) -> None:
        """Free sessions whose page is gone or that nobody has touched."""
        now = time.monotonic() if now is None else now
        with self._lock:
            for session in list(self._sessions.values()):
                gone = session.left is not None and now - session.left > self.limits.grace_seconds
                if gone or now - session.touched > self.limits.idle_seconds:
                    self._free(session)

    def counts(self) -> dict[str, int]:
        """Sessions, runs held, and runs that train or wait."""
        with self._lock:
            sessions = list(self._sessions.values())
            return {
                "sessions": len(sessions),
                "runs": sum(len(session.runs) for session in sessions),
                "places": len(self._places),
            }

    @contextlib.asynccontextmanager
    async def place(self, still_wanted: Callable[[], bool]) -> Any:
        """Hold a place in the line of runs; the first `max_runs` of it train.

        Yields a function that waits its turn for a moment and returns how many are ahead (0: go ahead).
        """
        mine = object()
        with self._lock:
            self._places.append(mine)

        async def ahead() -> int:
            with self._lock:
                waiting = self._places.index(mine) - self.max_runs + 1
            if waiting > 0 and still_wanted():
                await asyncio.sleep(QUEUE_POLL_SECONDS)
            return max(0, waiting)

        try:
            yield ahead
        finally:
            with self._lock:
                self._places.remove(mine)

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        """Run something off the event loop, as the visitor whose event it is: a slice of training, building a run."""
        return self.workers.submit(work)

    def close(self) -> None:
        """Stop everything."""
        with self._lock:
            for session in list(self._sessions.values()):
                self._free(session)
        self.workers.shutdown()
        self.map_worker.shutdown()

    def evict(self) -> None:
        """Keep the caps: free the sessions unused for longest, then the runs unused for longest that don't train."""
        with self._lock:
            surplus = len(self._sessions) - self.limits.sessions
            if surplus > 0:  # who holds nothing goes first: a flood of empty sessions takes nobody's run
                by_worth = sorted(
                    self._sessions.values(), key=lambda session: (session.holds_something, session.training())
                )
                for session in by_worth[:surplus]:
                    self._free(session)
            surplus = sum(len(session.runs) for session in self._sessions.values()) - self.limits.held_runs
            for session in list(self._sessions.values()):
                for tab in list(session.runs):
                    if surplus > 0 and not session.is_driven(tab):
                        del session.runs[tab]
                        surplus -= 1

    def _free(self, session: Session) -> None:
        session.stop_all()
        session.runs.clear()
        session.uploads.clear()
        self._sessions.pop(session.token, None)
        if session.owner is not None and self._by_owner.get(session.owner) is session:
            del self._by_owner[session.owner]

    def _ensure_sweeper(self) -> None:
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep_forever, name="session-sweeper", daemon=True)
            self._sweeper.start()

    def _sweep_forever(self) -> None:
        returned = time.monotonic()
        while True:
            time.sleep(SWEEP_SECONDS)
            try:
                self.sweep()
                for pool in (self.workers, self.map_worker, SHORT_WORK):
                    pool.rest()
                if time.monotonic() - returned > MEMORY_SECONDS:
                    give_memory_back()
                    returned = time.monotonic()
            except Exception:
                log.exception("sweeping sessions failed")
