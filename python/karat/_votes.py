"""Votes: who said what about which item, from whatever holds them."""
from __future__ import annotations

from typing import Any, List, Optional, Sequence

import numpy as np

from ._lib import CVotes, array, at, refuse

__all__ = ["Votes", "votes"]

_COLUMNS = (("task", "item", "item_id", "unit", "id"), ("worker", "annotator", "source", "rater", "performer", "lf"), ("label", "vote", "answer"))


class Votes:
    """Votes with their names: `item`, `source`, `label` are numbers (label -1: missing), `items`, `sources`, `labels` the names
    in the order of the numbers."""

    def __init__(self, item: np.ndarray, source: np.ndarray, label: np.ndarray, items: Sequence[Any], sources: Sequence[Any], labels: Sequence[Any]):
        self.item = array(item, np.uint32, "item", (None,))
        self.source = array(source, np.uint32, "source", self.item.shape)
        self.label = array(label, np.int32, "label", self.item.shape)
        self.items, self.sources, self.labels = list(items), list(sources), list(labels)

    def __len__(self) -> int:
        return len(self.item)

    def __repr__(self) -> str:
        return f"<Votes: {len(self)} on {len(self.items)} items by {len(self.sources)} sources, {len(self.labels)} labels>"

    @property
    def _c(self) -> CVotes:
        return CVotes(len(self), len(self.items), len(self.sources), len(self.labels), at(self.item), at(self.source), at(self.label))

    def values(self) -> Optional[np.ndarray]:
        """The labels as numbers, or None where one is none."""
        try:
            x = np.array(self.labels, dtype=np.float64)
        except (TypeError, ValueError):
            return None
        return x if np.isfinite(x).all() else None


def _is_missing(x: Any) -> bool:
    return x is None or (isinstance(x, (float, np.floating)) and x != x)


def _numbered(x: Any, what: str, fixed: Optional[Sequence[Any]] = None, missing: bool = False, ordered: bool = False) -> "tuple[np.ndarray, list]":
    """Numbers of the different entries of x and those entries: whole numbers ascending, others by first appearance, or ordered, or
    as fixed says."""
    a = np.asarray(x)
    if a.ndim != 1:
        raise refuse(f"{what} has {a.ndim} dimensions, expected 1")
    if a.dtype.kind in "biu" and fixed is None:
        low, high = (int(a.min()), int(a.max())) if a.size else (0, -1)
        if high - low < 4 * len(a) + 1024:  # dense enough for a table
            seen = np.zeros(high - low + 1, dtype=bool)
            shifted = a.astype(np.int64, copy=False) - low
            seen[shifted] = True
            return (np.cumsum(seen) - 1)[shifted], (np.flatnonzero(seen) + low).tolist()
        names, codes = np.unique(a, return_inverse=True)
        return codes, names.tolist()
    known: "dict[Any, int]" = {}
    if fixed is not None:
        for f in fixed:
            if f in known:
                raise refuse(f"label {f!r} is listed twice")
            known[f] = len(known)
    codes = np.empty(len(a), dtype=np.int64)
    for i, v in enumerate(a.tolist()):
        if missing and _is_missing(v):
            codes[i] = -1
            continue
        if _is_missing(v):
            raise refuse(f"{what} {i} is missing")
        if fixed is not None and v not in known:
            raise refuse(f"label {v!r} is not one of the {len(known)} given")
        codes[i] = known.setdefault(v, len(known))
    names_ = list(known)
    if ordered and fixed is None:
        try:
            order_ = sorted(range(len(names_)), key=lambda k: names_[k])
        except TypeError:
            order_ = sorted(range(len(names_)), key=lambda k: str(names_[k]))
        place_ = np.empty(len(names_) + 1, dtype=np.int64)
        place_[-1] = -1
        place_[order_] = np.arange(len(names_))
        return place_[codes], [names_[k] for k in order_]
    return codes, names_


def is_table(data: Any) -> bool:
    """A DataFrame, or a dict of columns."""
    return hasattr(data, "columns") or isinstance(data, dict)


def columns(data: Any, *wanted: Sequence[str]) -> List[Any]:
    """The columns of a DataFrame or dict that go by one of the names wanted, for each of them."""
    keys = list(data.columns if hasattr(data, "columns") else data)
    found = [next((k for k in keys if str(k).lower() in names), None) for names in wanted]
    if None in found:
        raise refuse(f"no column {wanted[found.index(None)][0]!r}; there are {', '.join(map(repr, keys[:12]))}{', …' if len(keys) > 12 else ''}")
    return [data[k] for k in found]


def has_votes(table: Any) -> bool:
    """Whether it has columns of items, sources and labels."""
    keys = [str(k).lower() for k in (table.columns if hasattr(table, "columns") else table)]
    return all(any(k in names for k in keys) for names in _COLUMNS)


def answers(data: Any, names: Sequence[str]) -> List[List[Any]]:
    """Items, sources and answers, the answers' column by one of names."""
    return [list(x) for x in columns(data, _COLUMNS[0], _COLUMNS[1], names)]


def votes(data: Any, source: Any = None, label: Any = None, *, labels: Optional[Sequence[Any]] = None) -> Votes:
    """Votes from a pandas DataFrame with the columns task, worker, label (or item, annotator, label), a dict of such columns, a
    sequence of (item, source, label), or three sequences. None and NaN labels are missing. labels: all allowed labels in their
    order; else those that occur, sorted.

    >>> votes([("a", "ann", "cat"), ("a", "bob", "dog")]).labels
    ['cat', 'dog']
    """
    if isinstance(data, Votes):
        return data
    if source is None and label is None:
        if is_table(data):
            item, source, label = (np.asarray(x) for x in columns(data, *_COLUMNS))
        else:
            rows: List[Any] = list(data)
            if any(len(r) != 3 for r in rows):
                raise refuse("votes are triples: item, source, label")
            # object arrays keep numbers and texts as they are
            item, source, label = (_column([r[k] for r in rows]) for k in range(3))
    else:
        item, source, label = data, source, label
    items = _numbered(item, "item")
    sources = _numbered(source, "source")
    codes, names = _numbered(label, "label", labels, True, True)
    return Votes(items[0], sources[0], codes, items[1], sources[1], names)


def _column(x: "list[Any]") -> np.ndarray:
    if all(type(v) is int for v in x):
        return np.array(x, dtype=np.int64) if x else np.array([], dtype=np.int64)
    a = np.empty(len(x), dtype=object)
    a[:] = x
    return a
