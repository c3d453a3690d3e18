"""What a machine may decide alone: thresholds that keep an error budget, conformal selection, a watch over an audit, calibration."""
from __future__ import annotations

import ctypes as c
from typing import Any, Dict, Optional, Tuple

import numpy as np

from ._lib import Approval, Scores, array, at, call, context, refuse, undefined

__all__ = ["threshold", "conformal_select", "confidence_sequence", "calibrate"]


def _scores(scores: Any, trusted_scores: Any, trusted_correct: Any) -> "Tuple[Scores, list]":
    s = array(scores, np.float32, "scores", (None,))
    t = array(trusted_scores, np.float32, "trusted_scores", (None,))
    r = array(np.asarray(trusted_correct).astype(bool).astype(np.uint8), np.uint8, "trusted_correct", t.shape)
    return Scores(len(s), at(s), len(t), at(t), at(r)), [s, t, r]


def _dict(a: Approval) -> Dict[str, Any]:
    return {**{n: undefined(getattr(a, n)) if k is c.c_double else int(getattr(a, n)) for n, k in a._fields_}, "found": bool(a.found)}


def threshold(scores: Any, trusted_scores: Any, trusted_correct: Any, budget: Any, confidence: float = 0.95, groups: Any = None, trusted_groups: Any = None,
              weights: Any = None, max_weight: Optional[float] = None) -> Dict[str, Any]:
    """The lowest score from which on at most budget of the labels are wrong, with that confidence over the draw of the trusted items: a
    uniform random sample, drawn after the scores were made.

    groups (an array beside scores) and trusted_groups: classes or slices that each keep the budget; budget may then be a dict. weights: 1 / chance
    each trusted item had to be taken, where they were not drawn uniformly; max_weight: the largest any item could have had.
    Returns found, score, upper, n_approved, … and approve, a mask over scores; with groups a dict of them under groups."""
    d, (s, t, r) = _scores(scores, trusted_scores, trusted_correct)
    if weights is not None:
        if groups is not None:
            raise refuse("weights go without groups")
        w, a = array(weights, np.float64, "weights", t.shape), Approval()
        call("karat_threshold_weighted", c.byref(d), at(w), float(w.max(initial=0) if max_weight is None else max_weight), float(budget), confidence, c.byref(a))
        return {**_dict(a), "approve": s >= a.score if a.found else np.zeros(len(s), bool)}
    if (groups is None) != (trusted_groups is None):
        raise refuse("groups and trusted_groups go together")
    if groups is None:
        a, b = Approval(), np.array([budget], np.float64)
        call("karat_threshold", c.byref(d), None, None, at(b), 1, confidence, c.byref(a))
        return {**_dict(a), "approve": s >= a.score if a.found else np.zeros(len(s), bool)}
    g, tg = np.asarray(groups), np.asarray(trusted_groups)
    if g.shape != s.shape or tg.shape != t.shape:
        raise refuse("groups and trusted_groups need one value for each score")
    names, number = np.unique(np.concatenate([g, tg]), return_inverse=True)
    part = array(number[: len(g)].astype(np.uint32), np.uint32, "groups", (None,))
    tpart = array(number[len(g):].astype(np.uint32), np.uint32, "trusted_groups", (None,))
    try:
        b = np.array([budget[x.item()] if isinstance(budget, dict) else budget for x in names], np.float64)
    except KeyError as e:
        raise refuse(f"budget names no group {e.args[0]!r}") from None
    a = (Approval * len(names))()
    call("karat_threshold", c.byref(d), at(part), at(tpart), at(b), len(names), confidence, a)
    cut = np.array([x.score if x.found else np.inf for x in a])
    return {"groups": {n.item(): _dict(x) for n, x in zip(names, a)}, "approve": s >= cut[part]}


def conformal_select(scores: Any, trusted_scores: Any, trusted_correct: Any, budget: float) -> Dict[str, Any]:
    """Conformal selection (Jin and Candès 2023): on average over draws of the trusted items at most budget of the selected are wrong (false
    discovery rate). Returns found, score, n_approved, …, p_values and approve, a mask over scores."""
    d, (s, t, r) = _scores(scores, trusted_scores, trusted_correct)
    a, p = Approval(), np.empty(len(s))
    call("karat_conformal_select", c.byref(d), budget, c.byref(a), at(p))
    return {**_dict(a), "p_values": p, "approve": s >= a.score if a.found else np.zeros(len(s), bool)}


def confidence_sequence(wrong: Any, size: Optional[int] = None, confidence: float = 0.95) -> "Tuple[np.ndarray, np.ndarray]":
    """(low, high) of the share of wrong items after each answer, holding after all of them at once: one may look at any time and stop
    at will. size: items of the batch the answers are drawn from, without replacement; None: without end."""
    w = array(np.asarray(wrong).astype(bool).astype(np.uint8), np.uint8, "wrong", (None,))
    low, high = np.empty(len(w)), np.empty(len(w))
    if size is not None and size < 1:
        raise refuse("size needs a number of items, or None")
    call("karat_confidence_sequence", at(w), len(w), size or 0, confidence, at(low), at(high))
    return low, high


def calibrate(scores: Any, trusted_scores: Any, trusted_correct: Any, method: Optional[str] = None, seed: int = 0) -> "Tuple[np.ndarray, str]":
    """(chance that a label of each score is right, method used): none, temperature, platt, beta, isotonic or histogram; None: the one of
    least log loss in five-fold cross-validation."""
    d, (s, t, r) = _scores(scores, trusted_scores, trusted_correct)
    out, used = np.empty(len(s), np.float32), c.c_char_p()
    call("karat_calibrate", context, at(t), at(r), len(t), None if method is None else method.encode(), seed, at(s), len(s), at(out), c.byref(used))
    return out, used.value.decode()
