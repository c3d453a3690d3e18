"""Merging votes into one label an item."""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from ._lib import AggregateOptions, array, at, call, context, lib, names, refuse, settings
from ._votes import votes as _votes

__all__ = ["Consensus", "aggregate", "aggregation_methods", "majority_vote"]


@dataclass
class Consensus:
    """What a merge returns. Rows of `probs` are `items`, columns `labels`; `label` is the likeliest of each item (None without
    votes); `confusion`, where the method has one, is sources × said × truth."""

    method: str
    items: List[Any]
    labels: List[Any]
    sources: List[Any]
    probs: np.ndarray
    label: List[Any]
    prior: np.ndarray
    source_accuracy: np.ndarray
    confusion: Optional[np.ndarray]

    def to_dict(self) -> Dict[Any, Any]:
        """item → label"""
        return dict(zip(self.items, self.label))

    def to_frame(self) -> Any:
        """The probabilities as a pandas DataFrame (needs pandas)."""
        import pandas

        return pandas.DataFrame(self.probs, index=self.items, columns=self.labels)


def aggregation_methods() -> Dict[str, str]:
    """Every method with a line of help."""
    return {n: lib.karat_aggregate_help(n.encode()).decode() for n in names("karat_aggregate_name")}


def _copied(pointer: Optional[int], dtype: Any, *shape: int) -> Optional[np.ndarray]:
    n = int(np.prod(shape, dtype=np.int64))
    if not pointer:
        return None
    size = np.dtype(dtype).itemsize
    return np.frombuffer((c.c_char * (n * size)).from_address(pointer), dtype=dtype).reshape(shape).copy() if n else np.empty(shape, dtype)


def aggregate(votes: Any, method: str = "dawid_skene", *, gold: Optional[Mapping[Any, Any]] = None, weights: Optional[Mapping[Any, float]] = None,
              probs: Any = None, labels: Optional[Sequence[Any]] = None, seed: int = 1, **options: Any) -> Consensus:
    """Merges votes (see `karat.votes`) by any method of `aggregation_methods()`. gold: item → known label; weights: source → weight; probs:
    a model's, items × labels in the order of `votes`. What a method does not use it refuses.

    >>> aggregate([(1, "a", "x"), (1, "b", "x"), (1, "c", "y")], "majority").label
    ['x']
    """
    v = _votes(votes, labels=labels)
    text, n = settings(options)
    gold_ids = weight = probabilities = None
    if gold is not None:
        place = {l: i for i, l in enumerate(v.labels)}
        unknown = [l for l in gold.values() if l not in place]
        if unknown:
            raise refuse(f"gold label {unknown[0]!r} occurs in no vote", "labels=[...] names labels that no vote names")
        gold_ids = np.array([place[gold[i]] if i in gold else -1 for i in v.items], dtype=np.int32)
    if weights is not None:
        absent = [s for s in v.sources if s not in weights]
        if absent:
            raise refuse(f"source {absent[0]!r} has no weight")
        weight = array([weights[s] for s in v.sources], np.float64, "weights", (len(v.sources),))
    if probs is not None:
        probabilities = array(probs, np.float64, "probs", (len(v.items), len(v.labels)))
    o = AggregateOptions(c.sizeof(AggregateOptions), text, n, at(gold_ids), at(weight), at(probabilities), seed)
    p = c.c_void_p()
    call("karat_aggregate", context, method.encode(), c.byref(v._c), c.byref(o), c.byref(p))
    try:
        i, k, s = len(v.items), len(v.labels), len(v.sources)
        get = lambda what, dtype, *shape: _copied(getattr(lib, "karat_posterior_" + what)(p), dtype, *shape)
        ids = get("label", np.int32, i)
        return Consensus(method, v.items, v.labels, v.sources, get("prob", np.float64, i, k), [None if l < 0 else v.labels[l] for l in ids.tolist()],
                         get("prior", np.float64, k), get("source_accuracy", np.float64, s), get("source_confusion", np.float64, s, k, k))
    finally:
        lib.karat_posterior_free(p)


def majority_vote(votes: Any, weights: Optional[Mapping[Any, float]] = None, **options: Any) -> Consensus:
    """Most votes win, ties to the smaller label; weighted where weights are given."""
    return aggregate(votes, "majority", weights=weights, **options)
