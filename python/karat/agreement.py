"""How much annotators agree."""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ._lib import (DISTANCE, TYPES, AgreeOptions, CAgreement, CMatrix, CPair, array, at, call, context, lib, matrix, names, refuse, settings, undefined)
from ._votes import Votes, votes as _votes
from ._votes import has_votes, is_table

__all__ = ["Agreement", "agree", "agree_ratings", "agree_pairs", "agree_classes", "agree_items", "agreement_methods", "cohen_kappa", "fleiss_kappa",
           "randolph_kappa", "krippendorff_alpha", "gwet_ac1", "gwet_ac2", "icc", "pearson", "spearman", "kendall"]


@dataclass
class Agreement:
    """A metric's value (None: undefined), its 95 % interval (None: not known) and the numbers in its formula."""

    method: str
    value: Optional[float]
    ci95: Optional[Tuple[float, float]]
    terms: Dict[str, float] = field(default_factory=dict)

    def __float__(self) -> float:
        return float("nan") if self.value is None else self.value


def agreement_methods() -> Dict[str, str]:
    """Every metric with a line of help."""
    return {n: lib.karat_agree_help(n.encode()).decode() for n in names("karat_agree_name")}


def _answer(method: str, r: CAgreement) -> Agreement:
    ci = None if r.low != r.low else (r.low, r.high)
    return Agreement(method, undefined(r.value), ci, {r.term[t].name.decode(): r.term[t].value for t in range(r.n_terms)})


def _distance(function: Callable[[Any, Any], float], labels: Sequence[Any]) -> Any:
    failed: "list[BaseException]" = []

    def of(_: Any, a: int, b: int) -> float:
        try:
            return float(function(labels[a], labels[b]))
        except BaseException as e:  # must not cross into C; raised when the call is over
            failed.append(e)
            return 0.0

    return DISTANCE(of), failed


def agree(votes: Any, method: str = "krippendorff_alpha", *, bootstrap: int = 0, seed: int = 1, interval: bool = True,
          distance: Optional[Callable[[Any, Any], float]] = None, labels: Optional[Sequence[Any]] = None, **options: Any) -> Agreement:
    """Agreement of votes (see `karat.votes`) by any metric of `agreement_methods()`; options as `karat list agreements` names them.
    bootstrap: so many samples for the interval instead of the analytic one. distance (krippendorff_alpha): of two labels."""
    v = _votes(votes, labels=labels)
    text, n = settings(options)
    value = v.values()
    o = AgreeOptions(c.sizeof(AgreeOptions), text, n, at(value), n_bootstrap=bootstrap, seed=seed, no_interval=not interval)
    failed: "list[BaseException]" = []
    if distance is not None:
        o.distance, failed = _distance(distance, v.labels)
    elif value is None and len(v.labels) and method in ("icc", "pearson", "spearman", "kendall"):
        raise refuse(f"{method} needs numbers as labels")
    elif value is None and options.get("level") in ("interval", "ratio"):
        raise refuse(f"level {options['level']} needs numbers as labels")
    r = CAgreement()
    call("karat_agree", None if distance is not None else context, method.encode(), c.byref(v._c), c.byref(o), c.byref(r))
    if failed:
        raise failed[0]
    return _answer(method, r)


def _agree_matrix(m: CMatrix, method: str, interval: bool, value_domain: Optional[Sequence[float]], missing: Optional[int], **options: Any) -> Agreement:
    text, n = settings(options)
    domain = None if value_domain is None else array(value_domain, np.float64, "value_domain", (None,))
    o = AgreeOptions(c.sizeof(AgreeOptions), text, n, None, at(domain), 0 if domain is None else len(domain), missing is not None,
                     0 if missing is None else missing, no_interval=not interval)
    r = CAgreement()
    call("karat_agree_matrix", context, method.encode(), c.byref(m), c.byref(o), c.byref(r))
    return _answer(method, r)


def agree_ratings(ratings: Any, method: str, *, interval: bool = True, value_domain: Optional[Sequence[float]] = None, missing: Optional[int] = None,
                  raters_first: bool = False, **options: Any) -> Agreement:
    """The same of a table of numbers, a row an item and a column a rater (raters_first: the other way). NaN is missing, and the
    number `missing` in whole numbers. Nothing is copied: any dtype, any strides."""
    m, keep = matrix(ratings, "ratings", raters_first)
    return _agree_matrix(m, method, interval, value_domain, missing, **options)


def agree_pairs(votes: Any, method: str = "cohen_kappa", **options: Any) -> List[Dict[str, Any]]:
    """One dict a pair of sources that share items: a, b, items, percent, value, ci95."""
    v = _votes(votes)
    text, n = settings(options)
    value = v.values()
    o = AgreeOptions(c.sizeof(AgreeOptions), text, n, at(value))
    pairs, count = c.POINTER(CPair)(), c.c_size_t()
    call("karat_agree_pairs", context, method.encode(), c.byref(v._c), c.byref(o), c.byref(pairs), c.byref(count))
    try:
        return [{"a": v.sources[p.a], "b": v.sources[p.b], "items": p.items, "percent": p.percent, "value": undefined(p.value),
                 "ci95": None if p.low != p.low else (p.low, p.high)} for p in pairs[:count.value]]
    finally:
        lib.karat_free(pairs)


def agree_classes(votes: Any, method: str = "fleiss_kappa", *, labels: Optional[Sequence[Any]] = None, **options: Any) -> Dict[Any, Dict[str, Any]]:
    """Each label against the rest: value, ci95, and specific, the chance that another vote says it too."""
    v = _votes(votes, labels=labels)
    text, n = settings(options)
    o = AgreeOptions(c.sizeof(AgreeOptions), text, n)
    out = np.empty((4, len(v.labels)))
    call("karat_agree_classes", context, method.encode(), c.byref(v._c), c.byref(o), *(at(row) for row in out))
    return {l: {"value": undefined(x), "ci95": None if a != a else (a, b), "specific": undefined(s)} for l, (x, a, b, s) in zip(v.labels, out.T.tolist())}


def agree_items(votes: Any) -> Dict[Any, Optional[float]]:
    """Share of the pairs of votes on each item that agree; None under two votes."""
    v = _votes(votes)
    out = np.empty(len(v.items))
    call("karat_agree_items", c.byref(v._c), at(out))
    return {i: undefined(x) for i, x in zip(v.items, out.tolist())}


def krippendorff_alpha(reliability_data: Any, level: str = "nominal", value_domain: Optional[Sequence[float]] = None,
                       distance: Optional[Callable[[Any, Any], float]] = None) -> Optional[float]:
    """Krippendorff's alpha. reliability_data: raters × units, NaN missing (as the package krippendorff takes it), or votes.
    level: nominal, ordinal, interval, ratio. None where it is undefined.

    >>> krippendorff_alpha([[1, 2, 3], [1, 2, 3]])
    1.0
    """
    if distance is None and is_table(reliability_data) and not has_votes(reliability_data):
        reliability_data = np.asarray(reliability_data, dtype=np.float64)  # a DataFrame of raters × units
    if distance is not None or isinstance(reliability_data, Votes) or is_table(reliability_data):
        return agree(reliability_data, "krippendorff_alpha", level=level, distance=distance, interval=False).value
    return agree_ratings(reliability_data, "krippendorff_alpha", value_domain=value_domain, raters_first=True, interval=False, level=level).value


def _codes(a: np.ndarray, b: np.ndarray) -> "tuple[np.ndarray, np.ndarray, Optional[list]]":
    """Two sequences as numbers of one type, and the names behind the numbers where they were none."""
    if a.dtype.kind in "biuf" and a.dtype == b.dtype:
        return a, b, None
    try:
        return a.astype(np.float64), b.astype(np.float64), None
    except (TypeError, ValueError):
        names_ = sorted({x for x in [*a.tolist(), *b.tolist()] if x is not None}, key=str)
        place = {x: i for i, x in enumerate(names_)}
        x, y = (np.array([place.get(l, np.nan) for l in s.tolist()], dtype=np.float64) for s in (a, b))
        return x, y, names_


def cohen_kappa(a: Any, b: Any, weights: Optional[str] = None, labels: Optional[Sequence[Any]] = None) -> Optional[float]:
    """Cohen's kappa of two sequences of labels; weights None, "linear" or "quadratic", by the places of the labels in `labels` (else
    sorted). Items with a missing side are dropped. None where it is undefined.

    >>> cohen_kappa(["cat", "dog", "cat", "cow"], ["cat", "dog", "cow", "cow"])
    0.6363636363636364
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise refuse(f"the two have shapes {a.shape} and {b.shape}, expected two of one length")
    x, y, names_ = _codes(a, b)
    domain: Optional[Sequence[float]] = None
    if labels is not None:
        domain = list(labels) if names_ is None else [names_.index(l) if l in names_ else len(names_) + k for k, l in enumerate(labels)]
    apart = y.ctypes.data - x.ctypes.data
    if x.strides == y.strides and x.flags.aligned and y.flags.aligned and x.dtype.isnative and x.dtype in TYPES and apart % x.itemsize == 0:
        return _agree_matrix(CMatrix(x.ctypes.data, TYPES[x.dtype], len(x), 2, x.strides[0], apart), "cohen_kappa", False, domain, None,
                             weights=weights or "none").value  # two columns where they stand
    return agree_ratings(np.stack([x, y]), "cohen_kappa", value_domain=domain, raters_first=True, interval=False, weights=weights or "none").value


def _counted(table: Any) -> Votes:
    """Votes that have the counts of a subjects × categories table."""
    t = array(table, np.int64, "table", (None, None))
    if t.size and t.min() < 0:
        raise refuse("counts are 0 or more")
    item, label = np.nonzero(t)
    times = t[item, label]
    item, label = np.repeat(item, times), np.repeat(label, times)
    start = np.concatenate([[0], np.cumsum(t.sum(1))])
    source = np.arange(len(item)) - start[item]  # who said what does not matter here
    return Votes(item, source, label, range(t.shape[0]), range(int(t.sum(1).max()) if len(t) else 0), range(t.shape[1]))


def fleiss_kappa(table: Any) -> Optional[float]:
    """Fleiss' kappa from counts, subjects × categories (as statsmodels takes it)."""
    return agree(_counted(table), "fleiss_kappa", interval=False).value


def randolph_kappa(table: Any) -> Optional[float]:
    """Randolph's free-marginal kappa from counts, subjects × categories; empty columns count."""
    return agree(_counted(table), "randolph_kappa", interval=False).value


def gwet_ac1(ratings: Any, value_domain: Optional[Sequence[float]] = None) -> Agreement:
    """Gwet's AC1; a row an item, a column a rater."""
    return agree_ratings(ratings, "gwet_ac1", value_domain=value_domain)


def gwet_ac2(ratings: Any, weights: str = "quadratic", value_domain: Optional[Sequence[float]] = None) -> Agreement:
    """Gwet's AC2; weights linear, quadratic, ordinal or radical."""
    return agree_ratings(ratings, "gwet_ac2", value_domain=value_domain, weights=weights)


def icc(ratings: Any, type: str = "icc1", average: bool = False) -> Agreement:
    """Intraclass correlation; a row an item, a column a rater. type icc1, icc2, icc3; average: of the mean of the ratings."""
    return agree_ratings(ratings, "icc", type=type, average=int(average))


def pearson(ratings: Any) -> Agreement:
    """Pearson's correlation of two raters' columns; mean over pairs for more."""
    return agree_ratings(ratings, "pearson")


def spearman(ratings: Any) -> Agreement:
    """Spearman's rank correlation of two raters' columns; mean over pairs for more."""
    return agree_ratings(ratings, "spearman")


def kendall(ratings: Any) -> Agreement:
    """Kendall's tau-b of two raters' columns; mean over pairs for more."""
    return agree_ratings(ratings, "kendall")
