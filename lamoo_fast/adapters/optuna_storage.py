"""A storage of Optuna that waits for its database server."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from lamoo_fast.adapters.hosts import require

require("optuna", "4.4", "optuna")

from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.engine.interfaces import Dialect

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two attempts


def patient(url: str, seconds: float = 300.0, **settings: Any) -> RDBStorage:
    """Return an `RDBStorage` that outlives a restart of its server or of the network.

    Every use of a connection begins with a ping (``pool_pre_ping`` of SQLAlchemy); a connection
    that is gone is replaced, and attempts to connect again are made for some time. When all have
    failed, or the server stops in the middle of a call, that call raises Optuna's
    `StorageInternalError`, which ends `optimize`; the next call waits again.

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
    Make the storage in each process: a copy sent to another one does not wait.

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
    storage = RDBStorage(url, engine_kwargs=engine, **settings)
    event.listen(storage.engine, "do_connect", partial(_connect, seconds))
    return storage


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
