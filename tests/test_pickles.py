"""The restricted unpickler: reads the two benchmark formats, runs nothing else."""

import builtins
import collections
import io
import os
import pickle
import pickletools
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lamoo_fast.nas import pickles
from lamoo_fast.nas.pickles import (
    NUMPY_BYTES,
    NUMPY_FLOATS,
    Float64,
    Float64Type,
    State,
    read_pickle,
)

CLASSES = {("shop", "Item"): State, **NUMPY_FLOATS}


@pytest.fixture
def read(tmp_path):
    """Read pickle bytes; a file named `ran` appears if any of their code ran."""
    path = tmp_path / "table.pkl"
    os.environ["LAMOO_TEST_TRACE"] = str(tmp_path / "ran")

    def do(data, admitted=CLASSES):
        path.write_bytes(data)
        try:
            return read_pickle(path, admitted)
        finally:
            assert not (tmp_path / "ran").exists(), "the pickle ran code"

    yield do
    del os.environ["LAMOO_TEST_TRACE"]


def trace(*_):
    """What an attacker would like to be called."""
    if "LAMOO_TEST_TRACE" in os.environ:
        Path(os.environ["LAMOO_TEST_TRACE"]).touch()


class Calls:
    """Pickles as a call of any function with any arguments."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


class ByState:
    def __setstate__(self, state):
        trace()

    def __reduce__(self):
        return (ByState, (), {"a": 1})


class ByReduceSetter:
    """A sixth element of __reduce__ is called with object and state."""

    def __reduce__(self):
        return (dict, (), {"a": 1}, None, None, trace)


class ByItems(dict):
    def __setitem__(self, key, value):
        trace()


class ByNew:
    def __new__(cls, *args):
        trace()
        return object.__new__(cls)


MALICIOUS = {
    "os.system": Calls(os.system, "touch $LAMOO_TEST_TRACE"),
    "eval": Calls(builtins.eval, "__import__('os').system('touch $LAMOO_TEST_TRACE')"),
    "exec": Calls(builtins.exec, "import os; os.system('touch $LAMOO_TEST_TRACE')"),
    "getattr": Calls(getattr, {}, "keys"),
    "import": Calls(builtins.__import__, "os"),
    "subprocess": Calls(subprocess.Popen, ["touch", "x"]),
    "own function": Calls(trace),
    "setstate": ByState(),
    "state setter": ByReduceSetter(),
    "setitem": ByItems(a=1),
    "new": ByNew(),
    "nested in a dict": {"rows": [(1, {"deep": Calls(trace)})]},
    "as a key": {("k", 1): 1.0, Calls(tuple, (1, 2)): 2.0},
    "in the state of an admitted class": [Calls(trace)],
    "ordered dict": collections.OrderedDict(a=1),
    "default dict": collections.defaultdict(trace),
    "object array": np.array([Calls(trace), 1], dtype=object),
    "plain array": np.arange(3.0),
    "float32": np.float32(1.0),
    "integer": np.int64(1),
    "record": np.zeros(1, dtype=[("a", "f8")])[0],
    "function": len,
    "class": int,
    "module state": pickle.Unpickler,
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", MALICIOUS)
def test_everything_else_is_refused(read, name, protocol):
    data = pickle.dumps(MALICIOUS[name], protocol)
    # what it would do if it were let
    (tmp := Path(os.environ["LAMOO_TEST_TRACE"])).unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"table\.pkl is not a table that can be read safely"):
        read(data)
    assert not tmp.exists()


def test_the_attacks_are_real(tmp_path, monkeypatch):
    """Plain pickle does run them; else the test above would prove nothing."""
    monkeypatch.setenv("LAMOO_TEST_TRACE", str(tmp_path / "ran"))
    for name in ("os.system", "eval", "exec", "own function", "setstate", "setitem", "new",
                 "nested in a dict", "in the state of an admitted class"):  # fmt: skip
        (tmp_path / "ran").unlink(missing_ok=True)
        pickle.loads(pickle.dumps(MALICIOUS[name], 2))
        assert (tmp_path / "ran").exists(), name


def test_the_message_names_the_global(read):
    with pytest.raises(ValueError, match=r"refused global (posix|nt)\.system"):
        read(pickle.dumps(Calls(os.system, "true")))
    with pytest.raises(ValueError, match=r"refused global builtins\.eval"):
        read(pickle.dumps(Calls(eval, "1")))


def op(*parts):
    return b"".join(p if isinstance(p, bytes) else p.encode("latin-1") for p in parts)


def glob(module, name):
    return op("c", module, "\n", name, "\n")


def unicode(text):
    return op("X", struct.pack("<I", len(text)), text)


ITEM = glob("shop", "Item")
SYSTEM = glob("posix", "system")

HAND_MADE = {
    # attribute chains through a dotted name
    "dotted name": op(b"\x80\x04", unicode("shop"), unicode("Item.__setstate__"), b"\x93."),
    "dotted globals": op(
        b"\x80\x04", unicode("shop"), unicode("Item.__setstate__.__globals__"), b"\x93."
    ),
    "dotted module": op(b"\x80\x04", unicode("shop.Item"), unicode("__init__"), b"\x93."),
    # BUILD on the admitted class itself, to patch it: with a dict and with slot state
    "patch class": op(ITEM, "}", unicode("__setstate__"), ITEM, "sb."),
    "patch class slots": op(ITEM, "(N}", unicode("__setstate__"), ITEM, "stb."),
    "patch scalar": op(glob("numpy.core.multiarray", "scalar"), "}", unicode("x"), "K\x01sb."),
    "patch dtype": op(glob("numpy", "dtype"), "(N}", unicode("x"), "K\x01stb."),
    # slot state of an instance
    "slot state": op(ITEM, ")\x81(N}", unicode("state"), "K\x01stb."),
    "state not a dict": op(ITEM, ")\x81K\x05b."),
    "keys not text": op(ITEM, ")\x81}K\x01K\x02sb."),
    # other ways to call
    "inst": op("(S'true'\nios\nsystem\n."),
    "obj": op("(", SYSTEM, "S'true'\no."),
    "newobj": op(b"\x80\x02", SYSTEM, ")\x81."),
    "newobj_ex": op(b"\x80\x04", SYSTEM, ")}\x92."),
    "reduce a float": op("G", struct.pack(">d", 1.0), "(K\x01tR."),
    "call an instance": op(ITEM, ")\x81)R."),
    "arguments to the class": op(ITEM, "(K\x01tR."),
    # extension registry and persistent objects
    "ext": op(b"\x80\x02\x82\x01."),
    "persid": op("Pabc\n."),
    "binpersid": op("K\x01Q."),
    "out-of-band buffer": op(b"\x80\x05\x97."),
    # numpy scalars that are not numbers
    "object dtype": op(glob("numpy", "dtype"), "(S'O8'\nK\x00K\x01tR."),
    "scalar of a string": op(
        glob("numpy.core.multiarray", "scalar"), "(S'f8'\nC\x0812345678tR."
    ),
    "scalar without type": op(glob("numpy.core.multiarray", "scalar"), ")R."),
    # damage
    "empty": b"",
    "cut": pickle.dumps({"a": [1.0] * 50})[:-20],
    "text": b"hello world",
    "stack underflow": b"t.",
    "no memo": b"h\x07.",
}  # fmt: skip


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_attacks_and_damage(read, name):
    before = [dict(vars(cls)) for cls in (State, Float64Type, Float64)]
    with pytest.raises(ValueError, match="can be read safely"):
        read(HAND_MADE[name])
    assert before == [dict(vars(cls)) for cls in (State, Float64Type, Float64)]


@pytest.mark.parametrize(("module", "name"), NUMPY_BYTES)
def test_classes_of_arrays_cannot_be_patched(read, module, name):
    before = dict(vars(NUMPY_BYTES[module, name]))
    for state in (op("}", unicode("x"), "K\x01s"), op("(N}", unicode("x"), "K\x01st")):
        with pytest.raises(ValueError, match="can be read safely"):
            read(op(glob(module, name), state, "b."), NUMPY_BYTES)
    assert before == dict(vars(NUMPY_BYTES[module, name]))


@pytest.mark.parametrize("state", [
    "(K\x03S'|'\nS'O'\nN(S'a'\ntJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t",
    "(K\x03S'='\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t",
    "(K\x03t", "}", "K\x01",
])  # fmt: skip
def test_dtype_states(read, state):
    data = op(glob("numpy", "dtype"), "(S'f8'\nK\x00K\x01tR", state, "b.")
    with pytest.raises(ValueError, match="not a plain number"):
        read(data)


def test_numpy_floats_of_both_byte_orders(read):
    for number in (0.1, -1e300, 5e-324, np.pi):
        for dtype in ("<f8", ">f8"):
            scalar = np.array([number], dtype=dtype)[0]
            for protocol in (3, 4, 5):
                got = read(pickle.dumps({"a": scalar}, protocol))
                assert got == {"a": number}
                assert type(got["a"]) is float


def test_plain_containers_and_data_classes(read):
    data = op(b"\x80\x02]", ITEM, ")\x81}", unicode("price"), "G", struct.pack(">d", 2.5), "sba.")
    pickletools.dis(data, out=io.StringIO())  # well formed
    (item,) = read(data)
    assert type(item) is State
    assert item.state == {"price": 2.5}
    plain = {(1, 2): [1.5, None, True, "x", b"y", {3}, frozenset({4})]}
    assert read(pickle.dumps(plain)) == plain


def test_nothing_is_imported(tmp_path):
    """Neither the refused module nor the package of an admitted class."""
    (tmp_path / "booby.py").write_text("raise SystemExit('imported')")
    (tmp_path / "p.pkl").write_bytes(op(glob("booby", "trap"), "."))
    (tmp_path / "q.pkl").write_bytes(op(glob("booby", "Item"), ")\x81}b."))
    code = (
        "from pathlib import Path; from lamoo_fast.nas.pickles import read_pickle, State\n"
        "read_pickle(Path('q.pkl'), {('booby', 'Item'): State})\n"
        "try: read_pickle(Path('p.pkl'), {('booby', 'Item'): State})\n"
        "except ValueError as error: print(error)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *_path()])}
    done = subprocess.run(
        [os.sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "refused global booby.trap" in done.stdout


def _path():
    return filter(None, [os.environ.get("PYTHONPATH")])


def test_package_file(tmp_path, monkeypatch):
    (tmp_path / "boobytable").mkdir()
    (tmp_path / "boobytable" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "boobytable" / "t.bin").write_bytes(b"x")
    monkeypatch.syspath_prepend(tmp_path)
    assert pickles.package_file("booby-table", "boobytable", "t.bin").read_bytes() == b"x"
    with pytest.raises(ValueError, match=r"has no file no\.bin; run: pip install booby-table"):
        pickles.package_file("booby-table", "boobytable", "no.bin")
    with pytest.raises(ValueError, match="'no-such' is not installed; run: pip install no-such"):
        pickles.package_file("no-such", "nosuchmodule", "t.bin")
