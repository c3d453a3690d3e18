"""karat: what labels are worth. Agreement between annotators, merging of votes, errors in labels, scores of predictions, models,
what a machine may decide alone.

numpy in, numpy out, over libkarat; the same algorithms and the same results as the karat program. Python threads run while it
works; no error ends the interpreter (KaratError). Every method of merging that libkarat has is here by its name, as
karat.dawid_skene(votes); `aggregation_methods()` and `agreement_methods()` list them.
"""
from __future__ import annotations

from functools import partial
from typing import Any

from . import aggregation, agreement, answers, errors, live, models, near, routing, scores
from ._lib import KaratError, version
from .aggregation import *  # noqa: F401,F403
from .agreement import *  # noqa: F401,F403
from .answers import *  # noqa: F401,F403
from .errors import *  # noqa: F401,F403
from .live import *  # noqa: F401,F403
from .models import *  # noqa: F401,F403
from .near import *  # noqa: F401,F403
from .routing import *  # noqa: F401,F403
from .scores import *  # noqa: F401,F403
from ._votes import Votes, votes

__version__ = version()
__all__ = ["KaratError", "Votes", "votes", "version", *agreement.__all__, *aggregation.__all__, *answers.__all__, *errors.__all__, *live.__all__,
           *models.__all__, *near.__all__, *routing.__all__, *scores.__all__]


def __getattr__(name: str) -> Any:
    if name in aggregation.aggregation_methods():
        f = partial(aggregation.aggregate, method=name)
        f.__doc__ = aggregation.aggregation_methods()[name]
        return f
    raise AttributeError(f"module 'karat' has no attribute {name!r}")


def __dir__() -> "list[str]":
    return sorted({*globals(), *aggregation.aggregation_methods()})
