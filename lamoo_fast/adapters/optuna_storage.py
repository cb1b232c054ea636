"""A storage of Optuna that waits for its database server."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial, partialmethod
from typing import Any

from lamoo_fast.adapters.hosts import require

require("optuna", "4.4", "optuna")

from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import event
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DBAPIError, PendingRollbackError

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two attempts
_MOST_LOSSES = 3  # of a connection in one call: some calls are what the server dies of
_AGAIN = threading.local()


def patient(url: str, seconds: float = 300.0, **settings: Any) -> RDBStorage:
    """Return an `RDBStorage` that outlives a restart of its server or of the network.

    Every use of a connection begins with a ping (``pool_pre_ping`` of SQLAlchemy); a connection
    that is gone is replaced, and attempts to connect again are made for some time. What the server
    stops in the middle of is done again, where twice is the same as once. The rest is to begin a
    trial, which Optuna does again, so that one that nobody evaluates may be left running; to begin
    one that was enqueued, and to call one failed, which others may have done meanwhile. These, and
    calls whose attempts have all failed, raise Optuna's `StorageInternalError`, which ends
    `optimize`; the next call waits again.

    Parameters
    ----------
    url : str
        Of the database. The server has to be there at first.
    seconds : float
        How long to try to connect again.
    **settings
        Arguments of `RDBStorage`, such as ``heartbeat_interval``.

    Raises
    ------
    ValueError
        If `seconds` is not a number >= 0.

    Notes
    -----
    A trial whose values could not be stored stays running. Whoever has the values tells them when
    the server is back: ``study.tell(trial.number, values)``. After ``study.optimize`` nobody has
    them; with a heartbeat and a `RetryHeartbeatStaleTrialCallback` the point is evaluated again.

    Examples
    --------
    >>> import optuna, tempfile
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> storage = patient(f"sqlite:///{tempfile.mkdtemp()}/study.db", seconds=60)
    >>> study = optuna.create_study(storage=storage)
    >>> study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    >>> len(study.trials)
    3
    """
    if not seconds >= 0:
        raise ValueError(f"seconds is {seconds!r}; wanted a number >= 0")
    engine = {"pool_pre_ping": True, **settings.pop("engine_kwargs", {})}
    return _Patient(url, seconds, engine_kwargs=engine, **settings)


def _connect(seconds: float, dialect: Dialect, record: Any, args: Any, named: Any) -> Any:
    """Connect, again and again where that fails."""
    deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        try:
            return dialect.connect(*args, **named)
        except dialect.loaded_dbapi.Error as error:
            if time.monotonic() + pause > deadline:
                raise
            _LOG.warning("no connection to the storage, trying again in %g s: %s", pause, error)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


class _Patient(RDBStorage):
    """Waits, and does again what its connection was lost in, where twice is the same as once."""

    def __init__(self, url: str, seconds: float, **settings: Any) -> None:
        super().__init__(url, **settings)
        self._seconds = seconds
        self._wait()

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self._wait()

    def _wait(self) -> None:
        event.listen(self.engine, "do_connect", partial(_connect, self._seconds))

    def _again(self, real: Callable[..., Any], *args: Any, **named: Any) -> Any:
        if getattr(_AGAIN, "under_way", False):  # called by another call that does it again
            return real(self, *args, **named)
        _AGAIN.under_way = True
        try:
            for losses in range(1, _MOST_LOSSES + 1):
                try:
                    return real(self, *args, **named)
                except StorageInternalError as error:
                    if not _lost(error.__cause__) or losses == _MOST_LOSSES:
                        raise
                    why = str(error.__cause__).partition("\n")[0]
                    _LOG.warning("storage lost in the middle of a call, trying again: %s", why)
        finally:
            _AGAIN.under_way = False
        raise AssertionError("not reached")

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Store how a trial went; the first attempt may have done so before it was lost."""
        if state not in (TrialState.COMPLETE, TrialState.PRUNED):
            return super().set_trial_state_values(trial_id, state, values)
        calls = 0

        def attempt(storage: RDBStorage) -> bool:
            nonlocal calls
            calls += 1
            try:
                return RDBStorage.set_trial_state_values(storage, trial_id, state, values)
            except UpdateFinishedTrialError:
                trial = storage.get_trial(trial_id)
                told = None if values is None else list(values)
                if calls == 1 or (trial.state, trial.values) != (state, told):
                    raise
                return True

        return bool(self._again(attempt))


def _lost(error: BaseException | None) -> bool:
    """Tell whether a connection was lost; Optuna may have gone on with its dead session."""
    if isinstance(error, PendingRollbackError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


# All that reads, and what stores the same value in the same place; those with an underscore are
# not public, but what Optuna's own cache in front of a storage calls.
for _name in (
    *(name for name in dir(RDBStorage) if name.startswith("get_")),
    *("_get_trials", "_get_best_trial_id", "_get_stale_trial_ids", "_set_trial_param"),
    *("set_trial_param", "set_trial_intermediate_value", "record_heartbeat"),
    *("set_trial_user_attr", "set_trial_system_attr", "set_study_user_attr"),
    "set_study_system_attr",
):
    if _real := getattr(RDBStorage, _name, None):
        setattr(_Patient, _name, partialmethod(_Patient._again, _real))
