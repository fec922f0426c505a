"""The names of scipy.stats that claims use; scipy.stats is slow to import and is imported at the first use."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scipy.stats import binom, binomtest, hypergeom, linregress, norm, poisson, t

__all__ = ["binom", "binomtest", "hypergeom", "linregress", "norm", "poisson", "t"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    return getattr(importlib.import_module("scipy.stats"), name)
