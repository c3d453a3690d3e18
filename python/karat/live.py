"""A consensus that is kept up to date vote by vote, and says whether another vote is worth its price, and whose."""
from __future__ import annotations

import ctypes as c
import threading
from dataclasses import dataclass
from typing import Any, Dict, Hashable, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ._lib import CVotes, LiveOptions, LiveQuestion, at, call, lib, refuse
from ._votes import votes as _votes

__all__ = ["Ask", "LiveConsensus"]

_VERDICTS = ("ask", "sure", "not_worth")


@dataclass
class Ask:
    """Whether to ask for another vote: `verdict` ask, sure (the posterior is at the target) or not_worth; `source` whom, and `gain`
    what a vote is expected to add to the chance that the label is right."""

    verdict: str
    source: Optional[Any]
    gain: float


class LiveConsensus:
    """Dawid and Skene's model with pseudo-votes, vote by vote; a vote costs the same in a set of any size. Any hashable is an item,
    a source or a label; labels not named at first are learned as they turn up (each moves everything once). After `settle` its
    posteriors are within 0.001 of `karat.dawid_skene(votes, n_iter=1000, uniform=u, right=right - u, equal=equal, unnamed=unnamed)` with u = wrong /
    (number of labels - 1). right and wrong are pseudo-votes of every source, equal pseudo-items of every label; a label that
    no vote on the item names keeps `unnamed` of its chance.

    >>> live = LiveConsensus(["cat", "dog"])
    >>> for who in "abc":
    ...     live.add("img1", who, "cat")
    >>> live.label("img1"), live.next_source("img1", target=0.9).verdict
    ('cat', 'sure')
    """

    def __init__(self, labels: Sequence[Hashable] = (), *, right: float = 2.8, wrong: float = 1.2, equal: float = 1, unnamed: float = 0.2, refresh: int = 8):
        self.items: List[Any] = []
        self.sources: List[Any] = []
        self.labels: List[Any] = list(labels)
        self._place: Tuple[Dict[Any, int], Dict[Any, int], Dict[Any, int]] = ({}, {}, {l: i for i, l in enumerate(self.labels)})
        self._open = bool(self.labels)
        if len(self._place[2]) < len(self.labels):
            raise refuse("a label is named twice")
        self._lock = threading.Lock()
        self._live = c.c_void_p()
        o = LiveOptions(c.sizeof(LiveOptions), right, wrong, equal, unnamed, refresh or -1)
        call("karat_live_open", len(self.labels) or 2, c.byref(o), c.byref(self._live))
        self._width = len(self.labels) or 2

    def close(self) -> None:
        """Frees its memory; it cannot be used afterwards."""
        with self._lock:
            live, self._live = self._live, c.c_void_p()
            lib.karat_live_close(live)

    def __enter__(self) -> "LiveConsensus":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_live", None):
            lib.karat_live_close(self._live)
            self._live = c.c_void_p()

    def _use(self) -> c.c_void_p:
        if not self._live:
            raise refuse("this consensus is closed")
        return self._live

    def _id(self, kind: int, name: Any) -> int:
        known = (self.items, self.sources, self.labels)[kind]
        n = self._place[kind].setdefault(name, len(known))
        if n == len(known):
            known.append(name)
        return n

    def _known(self, kind: int, name: Any) -> int:
        n = self._place[kind].get(name)
        if n is None:
            raise refuse(f"{('item', 'source', 'label')[kind]} {name!r} has not been seen")
        return n

    def _label(self, label: Any) -> int:
        if self._open and label not in self._place[2]:
            raise refuse(f"label {label!r} is not one of the {len(self.labels)} given")
        n = self._id(2, label)
        if n >= self._width:
            call("karat_live_grow", self._use(), n + 1)
            self._width = n + 1
        return n

    def add(self, item: Hashable, source: Hashable, label: Hashable) -> None:
        """Counts a vote; a second one by the source on the item replaces the first."""
        with self._lock:
            live, l = self._use(), self._label(label)
            i, s = self._id(0, item), self._id(1, source)
            if lib.karat_live_said(live, i, s) >= 0:
                call("karat_live_withdraw", live, i, s)
            call("karat_live_add", live, i, s, l)

    def extend(self, votes: Any) -> None:
        """Counts many (whatever `karat.votes` takes), then settles."""
        v = _votes(votes)
        item, source, label = (x.astype(np.int64) for x in (v.item, v.source, v.label))
        if self.items or self.sources or len(np.unique(item * (len(v.sources) + 1) + source)) < len(item):
            for i, s, l in zip(item.tolist(), source.tolist(), label.tolist()):
                if l >= 0:
                    self.add(v.items[i], v.sources[s], v.labels[l])
        else:
            with self._lock:
                live = self._use()
                label_id = np.array([*map(self._label, v.labels), -1], dtype=np.int32)[label]
                for name in v.items:
                    self._id(0, name)
                for name in v.sources:
                    self._id(1, name)
                every = CVotes(len(item), len(self.items), len(self.sources), self._width, at(v.item), at(v.source), at(label_id))
                call("karat_live_add_votes", live, c.byref(every))
        self.settle()

    def withdraw(self, item: Hashable, source: Hashable) -> None:
        """Takes the source's vote on the item back."""
        with self._lock:
            call("karat_live_withdraw", self._use(), self._known(0, item), self._known(1, source))

    def settle(self, rounds: int = 1000, tol: float = 1e-8) -> int:
        """Goes over all items until none moves by more than tol; returns the rounds."""
        with self._lock:
            return int(lib.karat_live_settle(self._use(), rounds, tol))

    def probs(self, item: Hashable) -> np.ndarray:
        """The chance of each of `labels`; of an item without votes, the shares of the labels."""
        with self._lock:
            out = np.empty(self._width)
            lib.karat_live_posterior(self._use(), self._place[0].get(item, 0xFFFFFFFF), at(out))
            return out[: max(len(self.labels), 1)]

    def posterior(self, item: Hashable) -> Dict[Any, float]:
        """label → chance."""
        return dict(zip(self.labels, self.probs(item).tolist()))

    def label(self, item: Hashable) -> Optional[Any]:
        """The likeliest; None without votes."""
        with self._lock:
            out = np.empty(self._width)
            n = lib.karat_live_posterior(self._use(), self._known(0, item), at(out))
        return self.labels[int(out[: len(self.labels)].argmax())] if n else None

    def accuracy(self, source: Hashable) -> float:
        """Chance that a vote of the source is right; of one not seen, what the pseudo-votes say."""
        with self._lock:
            return float(lib.karat_live_accuracy(self._use(), self._place[1].get(source, 0xFFFFFFFF)))

    def next_source(self, item: Hashable, sources: Optional[Iterable[Hashable]] = None, *, target: float = 0.95, least: int = 2, doubt: float = 0.7,
                    price: Union[float, Mapping[Any, float]] = 0, worth: float = 1) -> Ask:
        """Whether another vote on the item is worth its price, and whose: of `sources` (all seen so far), who charge `price` (a number or
        source → number), where one more right label is worth `worth`. The first `least` votes are asked for in any case: one alone is
        never sure of who gave it. doubt: share of a source's votes not believed when choosing whom, so that nobody is asked always
        or never for few votes; 0 takes accuracies for true."""
        who = list(self.sources if sources is None else sources)
        with self._lock:
            live = self._use()
            ids = np.array([self._id(1, s) for s in who], dtype=np.uint32)
            absent = [s for s in who if isinstance(price, Mapping) and s not in price]
            if absent:
                raise refuse(f"source {absent[0]!r} has no price")
            prices = np.array([price[s] if isinstance(price, Mapping) else price for s in who], dtype=np.float64)
            q = LiveQuestion(c.sizeof(LiveQuestion), target, least, doubt, worth, len(who), at(ids), at(prices))
            verdict, source, gain = c.c_int(), c.c_uint32(), c.c_double()
            call("karat_live_next", live, self._place[0].get(item, 0xFFFFFFFF), c.byref(q), c.byref(verdict), c.byref(source), c.byref(gain))
            return Ask(_VERDICTS[verdict.value], self.sources[source.value] if verdict.value == 0 else None, gain.value)
