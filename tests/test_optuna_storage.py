"""A database server that goes away in the middle of a study, for a while or for good."""

import pickle
import sqlite3
import time
from contextlib import suppress

import pytest

optuna = pytest.importorskip("optuna")

import lamoo_fast as lf  # noqa: E402
from lamoo_fast.adapters.optuna import LaMOOSampler  # noqa: E402
from lamoo_fast.adapters.optuna_storage import patient  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)
COMPLETE, RUNNING = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.RUNNING


def as_servers_do(real):
    def call(*args, **named):
        try:
            return real(*args, **named)
        except sqlite3.ProgrammingError as error:
            raise sqlite3.OperationalError(str(error)) from None

    return call


class Server:
    """An SQLite file that closes its connections and refuses new ones when it is down.

    What is done with a closed one fails as with a server's: by an `OperationalError`.
    """

    def __init__(self, folder):
        self.url = f"sqlite:///{folder}/study.db"
        self.refusals = 0
        self.attempts = 0
        self.open = []

    def storage(self, **settings):
        storage = patient(self.url, **settings)
        storage.engine.dispose()  # of connections that were made before this server watched
        real = storage.engine.dialect.connect

        def connect(*args, **named):
            self.attempts += 1
            if self.refusals > 0:
                self.refusals -= 1
                raise sqlite3.OperationalError("could not connect to server")
            self.open.append(real(*args, **{**named, "check_same_thread": False}))
            return self.open[-1]

        dialect = storage.engine.dialect
        dialect.connect = connect
        dialect.is_disconnect = lambda error, connection, cursor: "closed" in str(error)
        for name in ("do_execute", "do_commit"):
            setattr(dialect, name, as_servers_do(getattr(dialect, name)))
        return storage

    def stop(self, refusals):
        self.refusals = refusals
        for connection in self.open:
            connection.close()
        self.open.clear()


def sampler():
    return LaMOOSampler(0, n_initial=6, sampler=lf.UniformSampler())


def objective(trial):
    x, y = trial.suggest_int("x", 0, 30), trial.suggest_int("y", 0, 30)
    return x**2 + y, (30 - x) ** 2 + y


def created(storage):
    return optuna.create_study(
        study_name="s", storage=storage, directions=["minimize"] * 2, sampler=sampler()
    )


def points(study):
    return [tuple(trial.params.values()) for trial in study.trials if trial.state == COMPLETE]


def undisturbed(n):
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler())
    study.optimize(objective, n_trials=n)
    return points(study)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("lamoo_fast.adapters.optuna_storage._FIRST_PAUSE", 0.01)
    monkeypatch.setattr("random.random", lambda: 0.0)  # of which Optuna makes its own pauses


def test_a_server_that_restarts_is_waited_for(tmp_path, caplog):
    """Gone in the ask, in the objective and in the tell: what is drawn is what would have been."""
    server = Server(tmp_path)
    study = created(server.storage())

    def gone(trial):
        if trial.number % 3 == 0:
            server.stop(2)
        x = trial.suggest_int("x", 0, 30)
        if trial.number % 3 == 1:
            server.stop(2)
        y = trial.suggest_int("y", 0, 30)
        if trial.number % 3 == 2:
            server.stop(2)
        return x**2 + y, (30 - x) ** 2 + y

    study.optimize(gone, n_trials=18, callbacks=[lambda *_: server.stop(1)])
    assert points(study) == undisturbed(18)
    assert caplog.text.count("no connection to the storage, trying again") == 18 * 3
    assert server.attempts > 18 * 5


def test_a_server_that_is_gone_stops_the_study_which_goes_on_later(tmp_path):
    """The values of the trial that could not be told are told when the server is back."""
    server = Server(tmp_path)
    study = created(server.storage(seconds=0.05))
    kept = {}
    for _ in range(12):
        trial = study.ask()
        kept[trial.number] = objective(trial)
        if trial.number == 9:
            server.stop(10**9)
            break
        study.tell(trial, kept.pop(trial.number))
    begin = time.monotonic()
    for _ in range(2):
        with pytest.raises(optuna.exceptions.StorageInternalError) as error:
            study.tell(trial, kept[9])
        assert "could not connect to server" in str(error.value.__cause__)
    with pytest.raises(optuna.exceptions.StorageInternalError):
        study.ask()
    assert time.monotonic() - begin < 60
    server.refusals = 0
    study = optuna.load_study(study_name="s", storage=server.storage(), sampler=sampler())
    assert [t.number for t in study.trials if t.state == RUNNING] == [9]
    for number, values in kept.items():
        study.tell(number, values, skip_if_finished=True)
    study.optimize(objective, n_trials=10)
    assert [t.number for t in study.trials] == list(range(20))
    assert points(study) == undisturbed(20)
    assert len(set(points(study))) == 20


def stopped_at(server, storage, where, number):
    """Let the server stop before a statement, before a commit or after it; count them."""
    count, dialect = [0], storage.engine.dialect
    commit, execute = dialect.do_commit, dialect.do_execute

    def here(at):
        if at != where:
            return False
        count[0] += 1
        if count[0] != number:
            return False
        server.stop(2)
        return True

    def do_execute(cursor, *args, **named):
        here("statement")
        execute(cursor, *args, **named)

    def do_commit(connection):
        here("commit")
        commit(connection)
        if here("after the commit"):
            raise sqlite3.OperationalError("Cannot operate on a closed database.")

    dialect.do_execute, dialect.do_commit = do_execute, do_commit
    return count


@pytest.mark.parametrize("where", ["statement", "commit", "after the commit"])
def test_a_server_that_stops_in_the_middle_of_a_call(tmp_path, where):
    """At the places of two trials. Only the beginning of a trial may have to be done again."""
    server = Server(tmp_path)
    number, again = 0, 0
    while True:
        number += 5 if where == "statement" else 1
        storage = server.storage()
        study = optuna.create_study(
            storage=storage, directions=["minimize"] * 2, sampler=optuna.samplers.RandomSampler(0)
        )
        count = stopped_at(server, storage, where, number)
        tries = 0
        while len(points(study)) < 2:
            tries += 1
            with suppress(optuna.exceptions.StorageInternalError):
                study.optimize(objective, n_trials=2 - len(points(study)))
        storage.engine.dispose()
        again += tries - 1
        assert tries <= 2
        assert all(t.values for t in study.trials if t.params)
        begun = [t for t in study.trials if not t.params]
        assert [t.state for t in begun] in ([], [RUNNING])
        if count[0] < number:
            break
    assert number > 10
    assert again <= 4


def test_a_call_that_the_server_dies_of(tmp_path, caplog):
    server = Server(tmp_path)
    storage = server.storage()
    study = created(storage)
    real = storage.engine.dialect.do_execute

    def do_execute(cursor, statement, *args, **named):
        if "trial_values" in statement:
            server.stop(0)
        real(cursor, statement, *args, **named)

    trial = study.ask()
    storage.engine.dialect.do_execute = do_execute
    with pytest.raises(optuna.exceptions.StorageInternalError):
        study.tell(trial, (1.0, 2.0))
    assert caplog.text.count("in the middle of a call, trying again") == 2  # and not of each part
    storage.engine.dialect.do_execute = real
    study.tell(trial, (1.0, 2.0))
    assert [t.values for t in study.trials] == [[1.0, 2.0]]
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        storage.set_trial_state_values(trial._trial_id, COMPLETE, [1.0, 2.0])


@pytest.mark.skipif(
    not hasattr(optuna.storages, "RetryHeartbeatStaleTrialCallback"), reason="an older Optuna"
)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.filterwarnings("ignore:Heartbeat of storage:UserWarning")
def test_what_optimize_could_not_tell_is_evaluated_again(tmp_path):
    server = Server(tmp_path)
    heartbeat = {
        "heartbeat_interval": 1,
        "grace_period": 1,
        "heartbeat_stale_trial_callback": optuna.storages.RetryHeartbeatStaleTrialCallback(),
    }
    study = created(server.storage(seconds=0.02, **heartbeat))

    def gone(trial):
        values = objective(trial)
        if trial.number == 7:
            server.stop(10**9)
        return values

    with pytest.raises((optuna.exceptions.StorageInternalError, UnboundLocalError)):  # Optuna 5
        study.optimize(gone, n_trials=12)
    server.refusals = 0
    study = optuna.load_study(
        study_name="s", storage=server.storage(**heartbeat), sampler=sampler()
    )
    lost = study.trials[7]
    assert lost.state == RUNNING
    time.sleep(2.1)
    study.optimize(objective, n_trials=13 - len(study.trials))
    complete = points(study)
    assert tuple(lost.params.values()) in complete
    assert len(set(complete)) == len(complete) == len(study.trials) - 1


def test_a_failure_told_by_another_process_is_not_taken_for_ours(tmp_path):
    server = Server(tmp_path)
    storage = server.storage()
    study = created(storage)
    trial = study.ask()
    real = storage.engine.dialect.do_commit

    def do_commit(connection):
        real(connection)
        raise sqlite3.OperationalError("Cannot operate on a closed database.")

    storage.engine.dialect.do_commit = do_commit
    with pytest.raises(optuna.exceptions.StorageInternalError):
        storage.set_trial_state_values(trial._trial_id, optuna.trial.TrialState.FAIL)


def test_a_copy_in_another_process_is_patient_too(tmp_path, caplog):
    server = Server(tmp_path)
    storage = pickle.loads(pickle.dumps(created(server.storage(seconds=60))._storage._backend))
    refusals, real = [3], storage.engine.dialect.connect

    def connect(*args, **named):
        refusals[0] -= 1
        if refusals[0] >= 0:
            raise sqlite3.OperationalError("could not connect to server")
        return real(*args, **named)

    storage.engine.dispose()
    storage.engine.dialect.connect = connect
    assert len(storage.get_all_studies()) == 1
    assert caplog.text.count("no connection to the storage, trying again") == 3


def test_bad_patience():
    with pytest.raises(ValueError, match="seconds is nan; wanted a number >= 0"):
        patient("sqlite://", seconds=float("nan"))
