"""Which family of architectures a space belongs to."""

from __future__ import annotations

from collections.abc import Callable

from lamoo_fast.nas.spaces.architecture import ArchitectureSpace
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.nas.spaces.darts import Darts
from lamoo_fast.nas.spaces.detector import Detector
from lamoo_fast.nas.spaces.fbnet import FBNet
from lamoo_fast.nas.spaces.mobilenet import MobileNet
from lamoo_fast.nas.spaces.nasnet import NasnetCell
from lamoo_fast.nas.spaces.recurrent import RecurrentCell
from lamoo_fast.search.space import Space

_FAMILIES: tuple[Callable[[], ArchitectureSpace], ...] = (
    Cell201,
    Darts,
    NasnetCell,
    MobileNet,
    FBNet,
    RecurrentCell,
    Detector,
)


def family_of(space: Space) -> ArchitectureSpace | None:
    """Return the family, with its published settings, that has just these parameters.

    Examples
    --------
    >>> family_of(Cell201().space).name
    'nasbench201'
    """
    for family in _FAMILIES:
        architectures = family()
        if architectures.space.params == space.params:
            return architectures
    return None
