"""Merging votes into one label an item."""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from ._lib import AggregateOptions, DenoiseOptions, array, at, call, context, lib, names, refuse
from ._lib import settings as _settings
from ._votes import votes as _votes

__all__ = ["Consensus", "LabelModel", "aggregate", "aggregation_methods", "majority_vote", "label_model", "crowdlab_active", "rank", "merge_texts", "merge_masks"]


@dataclass
class Consensus:
    """What a merge returns. Rows of `probs` are `items`, columns `labels`; `label` is the likeliest of each item (None without
    votes); `confusion`, where the method has one, is sources × said × truth. `more` holds what only some methods have: source_ci,
    source_weight, source_ability, source_spamming, source_strategy, item_ease, source_group (sources that copy each other, NaN: none)."""

    method: str
    items: List[Any]
    labels: List[Any]
    sources: List[Any]
    probs: np.ndarray
    label: List[Any]
    prior: np.ndarray
    source_accuracy: np.ndarray
    confusion: Optional[np.ndarray]
    more: Dict[str, np.ndarray] = field(default_factory=dict)

    def to_dict(self) -> Dict[Any, Any]:
        """item → label"""
        return dict(zip(self.items, self.label))

    def to_frame(self) -> Any:
        """The probabilities as a pandas DataFrame (needs pandas)."""
        import pandas

        return pandas.DataFrame(self.probs, index=self.items, columns=self.labels)

    def source_frame(self) -> Any:
        """How good each source is, with 95 % intervals, as a pandas DataFrame (needs pandas)."""
        import pandas

        low, high = self.more["source_ci"].T
        return pandas.DataFrame({"accuracy": self.source_accuracy, "low": low, "high": high}, index=self.sources)


def aggregation_methods() -> Dict[str, str]:
    """Every method with a line of help."""
    return {n: lib.karat_aggregate_help(n.encode()).decode() for n in names("karat_aggregate_name")}


def _copied(pointer: Optional[int], dtype: Any, *shape: int) -> Optional[np.ndarray]:
    n = int(np.prod(shape, dtype=np.int64))
    if not pointer:
        return None
    size = np.dtype(dtype).itemsize
    return np.frombuffer((c.c_char * (n * size)).from_address(pointer), dtype=dtype).reshape(shape).copy() if n else np.empty(shape, dtype)


def aggregate(votes: Any, method: str = "auto", *, gold: Optional[Mapping[Any, Any]] = None, weights: Optional[Mapping[Any, float]] = None,
              probs: Any = None, start: Optional[Mapping[Any, "tuple[Sequence[float], Sequence[float]]"]] = None, labels: Optional[Sequence[Any]] = None,
              seed: int = 1, settings: Optional[Mapping[str, Any]] = None, **options: Any) -> Consensus:
    """Merges votes (see `karat.votes`) by any method of `aggregation_methods()`. gold: item → known label; weights: source → weight; probs:
    a model's, items × labels in the order of `votes`; start (mace): source → ((spams, knows), strategy). What a method does not
    use it refuses. Options as `karat list aggregators` names them; `settings` for those called as an argument here is.

    >>> aggregate([(1, "a", "x"), (1, "b", "x"), (1, "c", "y")], "majority").label
    ['x']
    """
    v = _votes(votes, labels=labels)
    text, n = _settings({**options, **(settings or {})})
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
    spamming = strategy = None
    if start is not None:
        spamming = array([start[s][0] for s in v.sources], np.float64, "start", (len(v.sources), 2))
        strategy = array([start[s][1] for s in v.sources], np.float64, "start", (len(v.sources), len(v.labels)))
    o = AggregateOptions(c.sizeof(AggregateOptions), text, n, at(gold_ids), at(weight), at(probabilities), at(spamming), at(strategy), seed)
    p = c.c_void_p()
    call("karat_aggregate", context, method.encode(), c.byref(v._c), c.byref(o), c.byref(p))
    try:
        i, k, s = len(v.items), len(v.labels), len(v.sources)

        def get(name: str, *shape: int) -> Optional[np.ndarray]:
            return _copied(lib.karat_posterior_get(p, name.encode(), None), np.float64, *shape)

        ids = _copied(lib.karat_posterior_label(p), np.int32, i)
        more = {"source_ci": (s, 2), "source_weight": (s,), "source_ability": (s,), "source_spamming": (s, 2), "source_strategy": (s, k), "item_ease": (i,), "source_group": (s,)}
        found = {name: get(name, *shape) for name, shape in more.items()}
        return Consensus(method, v.items, v.labels, v.sources, get("prob", i, k), [None if l < 0 else v.labels[l] for l in ids.tolist()], get("prior", k),
                         get("source_accuracy", s), get("source_confusion", s, k, k), {name: x for name, x in found.items() if x is not None})
    finally:
        lib.karat_posterior_free(p)


def majority_vote(votes: Any, weights: Optional[Mapping[Any, float]] = None, **options: Any) -> Consensus:
    """Most votes win, ties to the smaller label; weighted where weights are given."""
    return aggregate(votes, "majority" if weights is None else "weighted_majority", weights=weights, **options)


@dataclass
class LabelModel:
    """Class probabilities (items × labels) from labeling functions, and by function its learned accuracy and its shares of the items:
    coverage, overlap (another voted too), conflict (with another label)."""

    probs: np.ndarray
    accuracy: np.ndarray
    coverage: np.ndarray
    overlap: np.ndarray
    conflict: np.ndarray


def label_model(L: Any, cardinality: Optional[int] = None, method: str = "em", class_balance: Optional[Sequence[float]] = None, n_iter: int = 0,
                n_epochs: int = 0, lr: float = 0, prec_init: float = 0, init_scale: float = 0, dependence: bool = False,
                ignore_abstentions: bool = False) -> LabelModel:
    """Votes of labeling functions (items × functions, -1 abstains) to class probabilities. method em, moments (as Snorkel's LabelModel)
    or majority. With em, that a function does not vote counts, too, as far as it votes more often on some labels' items than on others',
    unless ignore_abstentions."""
    votes_ = array(L, np.int16, "L", (None, None))
    n, m = votes_.shape
    k = cardinality if cardinality is not None else int(votes_.max(initial=-1)) + 1
    balance = None if class_balance is None else array(class_balance, np.float64, "class_balance", (k,))
    o = DenoiseOptions(c.sizeof(DenoiseOptions), method.encode(), at(balance), n_iter, n_epochs, lr, prec_init, init_scale, dependence, ignore_abstentions)
    probs, accuracy, counts = np.empty((n, k), np.float32), np.empty(m), np.empty((3, m), np.uint64)
    call("karat_denoise", context, at(votes_), n, m, k, c.byref(o), at(probs), at(accuracy), *(at(row) for row in counts))
    return LabelModel(probs, accuracy, *(counts / max(n, 1)))


def crowdlab_active(votes: Any, probs: Any, probs_unlabeled: Any = None, labels: Optional[Sequence[Any]] = None) -> "tuple[np.ndarray, np.ndarray, float]":
    """How sure the labels are already, low first to ask again: of the items of the votes, and of items with a model's probabilities
    only; and the temperature its probabilities were put at."""
    v = _votes(votes, labels=labels)
    p = array(probs, np.float64, "probs", (len(v.items), len(v.labels)))
    q = array(np.empty((0, len(v.labels))) if probs_unlabeled is None else probs_unlabeled, np.float64, "probs_unlabeled", (None, len(v.labels)))
    labelled, unlabelled, t = np.empty(len(p)), np.empty(len(q)), c.c_double()
    call("karat_crowdlab_active", context, c.byref(v._c), at(p), at(q), len(q), at(labelled), at(unlabelled), c.byref(t))
    return labelled, unlabelled, t.value


def rank(rankings: Sequence[Sequence[Any]]) -> Dict[Any, float]:
    """Strengths (sum 1) from rankings, best first; a comparison is (winner, loser): Bradley and Terry, Plackett and Luce."""
    place: Dict[Any, int] = {}
    start = np.zeros(len(rankings) + 1, dtype=np.uintp)
    start[1:] = np.cumsum([len(r) for r in rankings])
    thing = np.array([place.setdefault(t, len(place)) for r in rankings for t in r], dtype=np.uint32)
    out = np.empty(len(place))
    call("karat_rank", at(start), at(thing), len(rankings), len(place), at(out), None)
    return dict(zip(place, out.tolist()))


def merge_texts(texts: Sequence[str]) -> str:
    """One text from several, word by word (ROVER)."""
    p = c.c_char_p()
    call("karat_merge_texts", (c.c_char_p * max(len(texts), 1))(*(t.encode() for t in texts)), len(texts), c.byref(p))
    try:
        return (p.value or b"").decode()
    finally:
        lib.karat_free(p)


def merge_masks(masks: Any, n_iter: int = 0) -> "tuple[np.ndarray, np.ndarray]":
    """One mask and its probabilities from several (masks × …, 0 or 1): by majority, or n_iter rounds of EM with one quality each."""
    m = array(np.asarray(masks) != 0, np.uint8, "masks")
    if m.ndim < 2:
        raise refuse(f"masks have {m.ndim} dimensions, expected masks × pixels")
    out, prob = np.zeros(m.shape[1:], np.uint8), np.zeros(m.shape[1:])
    call("karat_merge_masks", at(m), len(m), out.size, n_iter, at(out), at(prob))
    return out.astype(bool), prob
