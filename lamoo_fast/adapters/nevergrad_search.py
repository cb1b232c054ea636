"""Searches that begin before it is known how many objectives and constraints there are."""

from __future__ import annotations

from lamoo_fast.search import LaMOO


def taken_over(old: LaMOO, new: LaMOO) -> LaMOO:
    """Give a search of the same space the trials and the random state of an older one.

    Parameters
    ----------
    old : LaMOO
        With no trial done where it has other objectives, and with no constraints where `new` has
        some, which its trials count as having met.
    new : LaMOO
        What it knows is lost, but for a reference point that it was given.

    Examples
    --------
    >>> from lamoo_fast.search import Float, Space
    >>> space = Space({"x": Float(0, 1)})
    >>> old = LaMOO(space, ["minimize"], seed=1)
    >>> [trial] = old.ask()
    >>> new = taken_over(old, LaMOO(space, ["minimize"] * 2))
    >>> _ = new.tell([trial.id], [(1.0, 2.0)])
    >>> new.ask()[0].config == old.ask()[0].config
    True
    """
    state, settings = old.state_dict(), new.settings()
    for row in state["trials"]:
        if row["status"] == "done":
            row["constraints"] = row["constraints"] or [0.0] * new.n_constraints
    state |= {"settings": settings, "ref": settings["ref"] or state["ref"]}
    new.load_state_dict(state)
    return new
