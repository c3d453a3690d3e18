"""Which labels are likely wrong, how many are, and whose."""
from __future__ import annotations

import ctypes as c
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ._lib import (CBoxes, CChange, Collusion, LabelProbs, OutlierOptions, Pattern, Rate, array, at, call, context, lib, refuse, undefined)
from ._votes import votes as _votes

__all__ = ["find_label_issues", "get_label_quality_scores", "compute_confident_joint", "confident_thresholds", "num_label_issues", "find_token_label_issues",
           "get_token_label_quality_scores", "find_pixel_label_issues", "get_pixel_label_quality_scores", "find_outliers", "get_box_label_quality_scores", "get_multilabel_quality_scores", "find_value_errors",
           "find_duplicate_errors", "error_rate", "find_changes", "source_patterns", "find_collusion"]


def _data(labels: Any, pred_probs: Any) -> "tuple[LabelProbs, tuple]":
    p = np.asarray(pred_probs)
    if p.dtype != np.float32:
        p = array(p, np.float64, "pred_probs")
    if p.ndim != 2:
        raise refuse(f"pred_probs has {p.ndim} dimensions, expected items × classes")
    if p.strides[1] != p.itemsize or p.strides[0] < 0 or not p.flags.aligned:
        p = np.ascontiguousarray(p)
    l = array(labels, np.int32, "labels", (p.shape[0],))
    return LabelProbs(p.shape[0], p.shape[1], at(l), at(p), 8 if p.dtype == np.float32 else 9, p.strides[0]), (p, l)


def find_label_issues(labels: Any, pred_probs: Any, filter_by: str = "prune_by_noise_rate", return_indices_ranked_by: Optional[str] = None) -> np.ndarray:
    """Suspects by confident learning, as cleanlab's function of this name: a mask, or the indices from the worst on when ranked by
    self_confidence, normalized_margin or confidence_weighted_entropy. labels: class numbers; pred_probs: items × classes of a
    model that did not see them (float32 and float64 rows are used where they stand)."""
    d, keep = _data(labels, pred_probs)
    issue = np.zeros(d.n, dtype=np.uint8)
    call("karat_label_issues", context, c.byref(d), filter_by.encode(), at(issue), None)
    if return_indices_ranked_by is None:
        return issue.astype(bool)
    score = get_label_quality_scores(keep[1], keep[0], return_indices_ranked_by)
    found = np.flatnonzero(issue)
    return found[np.argsort(score[found], kind="stable")]


def get_label_quality_scores(labels: Any, pred_probs: Any, method: str = "self_confidence") -> np.ndarray:
    """A score a label, low where it is likely wrong: self_confidence, normalized_margin or confidence_weighted_entropy."""
    d, keep = _data(labels, pred_probs)
    out = np.empty(d.n)
    call("karat_label_quality", context, c.byref(d), method.encode(), at(out))
    return out


def _joint(labels: Any, pred_probs: Any) -> "tuple[np.ndarray, np.ndarray, np.ndarray, int]":
    d, keep = _data(labels, pred_probs)
    k = d.n_labels
    threshold, raw, joint, off = np.empty(k), np.empty((k, k), dtype=np.int64), np.empty((k, k), dtype=np.int64), c.c_size_t()
    call("karat_confident_joint", context, c.byref(d), at(threshold), at(raw), at(joint), c.byref(off))
    return threshold, raw, joint, off.value


def compute_confident_joint(labels: Any, pred_probs: Any, calibrate: bool = True) -> np.ndarray:
    """Items by given label (rows) and likely true one (columns); calibrate: scaled to the labels' numbers, else as counted."""
    return _joint(labels, pred_probs)[2 if calibrate else 1]


def confident_thresholds(labels: Any, pred_probs: Any) -> np.ndarray:
    """The probability above which an item counts as confidently of a class: that class's mean over its own items."""
    return _joint(labels, pred_probs)[0]


def num_label_issues(labels: Any, pred_probs: Any) -> int:
    """Items confidently of another class."""
    return _joint(labels, pred_probs)[3]


def _tokens(labels: Sequence[Any], pred_probs: Sequence[Any]) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    if len(labels) != len(pred_probs):
        raise refuse(f"{len(labels)} sentences with labels, {len(pred_probs)} with probabilities")
    start = np.zeros(len(labels) + 1, dtype=np.uintp)
    start[1:] = np.cumsum([len(s) for s in labels])
    flat = np.concatenate([np.asarray(s) for s in labels]) if len(labels) else np.empty(0, np.int32)
    probs = np.concatenate([np.asarray(s) for s in pred_probs]) if len(labels) else np.empty((0, 0))
    return start, flat, probs


def find_token_label_issues(labels: Sequence[Any], pred_probs: Sequence[Any]) -> List[Tuple[int, int]]:
    """(sentence, token) of suspects, worst first. labels and pred_probs: one sequence a sentence, of class numbers and of rows."""
    start, flat, probs = _tokens(labels, pred_probs)
    found = find_label_issues(flat, probs, return_indices_ranked_by="self_confidence")
    sentence = np.searchsorted(start, found, side="right") - 1
    return [(int(s), int(i - start[s])) for s, i in zip(sentence, found)]


def get_token_label_quality_scores(labels: Sequence[Any], pred_probs: Sequence[Any], sentence_score: str = "min", temperature: float = 0.05
                                   ) -> "tuple[np.ndarray, list]":
    """A score a sentence, and the tokens' scores by sentence. sentence_score: min or softmin."""
    start, flat, probs = _tokens(labels, pred_probs)
    score = get_label_quality_scores(flat, probs)
    out = np.empty(len(labels))
    if sentence_score not in ("min", "softmin"):
        raise refuse(f"sentence_score is min or softmin, not {sentence_score}")
    call("karat_group_quality", at(score), len(score), at(start), len(labels), temperature if sentence_score == "softmin" else 0.0, at(out))
    return out, np.split(score, start[1:-1].astype(np.intp))


def _pixels(labels: Any, pred_probs: Any) -> "tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]":
    l, p = np.asarray(labels), np.asarray(pred_probs)
    if l.ndim != 3 or p.ndim != 4 or p.shape[0] != l.shape[0] or p.shape[2:] != l.shape[1:]:
        raise refuse(f"labels {l.shape} and pred_probs {p.shape}, expected images × height × width and images × classes × height × width")
    known = l >= 0
    start = np.zeros(len(l) + 1, dtype=np.uintp)
    start[1:] = np.cumsum(known.reshape(len(l), -1).sum(axis=1) if len(l) else [])
    return known, start, l[known], np.moveaxis(p, 1, 3)[known]


def find_pixel_label_issues(labels: Any, pred_probs: Any, filter_by: str = "prune_by_noise_rate") -> np.ndarray:
    """Suspect pixels of label maps, a mask of their shape. labels: images × height × width of class numbers, -1 where there is none;
    pred_probs: images × classes × height × width."""
    known, _, flat, probs = _pixels(labels, pred_probs)
    out = np.zeros(known.shape, dtype=bool)
    out[known] = find_label_issues(flat, probs, filter_by)
    return out


def get_pixel_label_quality_scores(labels: Any, pred_probs: Any, method: str = "softmin", temperature: float = 0.1) -> "tuple[np.ndarray, np.ndarray]":
    """A score an image (softmin or min over its pixels) and one a pixel (NaN where there is no label); low is likely wrong."""
    if method not in ("softmin", "min"):
        raise refuse(f"method is softmin or min, not {method}")
    known, start, flat, probs = _pixels(labels, pred_probs)
    score = get_label_quality_scores(flat, probs)
    image, pixel = np.empty(len(known)), np.full(known.shape, np.nan)
    call("karat_group_quality", at(score), len(score), at(start), len(image), temperature if method == "softmin" else 0.0, at(image))
    pixel[known] = score
    return image, pixel


def find_outliers(features: Any, neighbours: int = 10, metric: str = "cosine", sample: int = 20_000, seed: int = 1) -> Dict[str, np.ndarray]:
    """How far items lie from their nearest neighbours. features: items × numbers, such as embeddings. Returns distance (the mean over the
    neighbours; NaN for a lone item), nearest (an index, -1 for a lone item) and z (above 3.5: an outlier). metric: cosine or euclidean; each
    item is compared with so many drawn from all."""
    x = array(features, np.float32, "features", (None, None))
    distance, nearest, z = np.empty(len(x)), np.empty(len(x), dtype=np.uintp), np.empty(len(x))
    o = OutlierOptions(c.sizeof(OutlierOptions), neighbours, metric.encode(), sample, seed)
    call("karat_outliers", context, at(x), x.shape[0], x.shape[1], c.byref(o), at(distance), at(nearest), at(z))
    return {"distance": distance, "nearest": nearest.astype(np.int64), "z": z}


def _boxes(images: Sequence[Mapping[str, Any]], scores: bool) -> "tuple[CBoxes, tuple]":
    start = np.zeros(len(images) + 1, dtype=np.uintp)
    start[1:] = np.cumsum([len(i["labels"]) for i in images])
    n = int(start[-1])
    rows = [np.asarray(i["bboxes"], dtype=np.float64).reshape(-1, 4) for i in images]
    xyxy = array(np.concatenate(rows) if rows else np.empty((0, 4)), np.float64, "bboxes", (n, 4))
    label = array(np.concatenate([np.asarray(i["labels"], dtype=np.int64) for i in images]) if rows else [], np.int32, "labels", (n,))
    score = array(np.concatenate([np.asarray(i["scores"], dtype=np.float64) for i in images]) if rows else [], np.float64, "scores", (n,)) if scores else None
    return CBoxes(len(images), at(start), at(xyxy), at(label), at(score)), (start, xyxy, label, score)


def get_box_label_quality_scores(labels: Sequence[Mapping[str, Any]], predictions: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """ObjectLab. One dict an image: bboxes (x1, y1, x2, y2), labels, and scores of predictions. Returns image (a score each), and by
    image badloc and swap of the labels and overlooked of the predictions (NaN: accuses nobody); low is likely wrong."""
    g, keep_g = _boxes(labels, False)
    p, keep_p = _boxes(predictions, True)
    if g.n != p.n:
        raise refuse(f"{g.n} images with labels, {p.n} with predictions")
    n_g, n_p = int(keep_g[0][-1]), int(keep_p[0][-1])
    overlooked, badloc, swap, image = np.empty(n_p), np.empty(n_g), np.empty(n_g), np.empty(g.n)
    call("karat_box_quality", context, c.byref(g), c.byref(p), at(overlooked), at(badloc), at(swap), at(image))
    cut = lambda x, start: np.split(x, start[1:-1].astype(np.intp))
    return {"image": image, "badloc": cut(badloc, keep_g[0]), "swap": cut(swap, keep_g[0]), "overlooked": cut(overlooked, keep_p[0])}


def get_multilabel_quality_scores(labels: Any, pred_probs: Any) -> np.ndarray:
    """labels: items × classes, 0 or 1; pred_probs likewise. Low is likely wrong."""
    p = array(pred_probs, np.float64, "pred_probs", (None, None))
    g = array(labels, np.uint8, "labels", p.shape)
    out = np.empty(len(p))
    call("karat_multilabel_quality", at(g), at(p), p.shape[0], p.shape[1], at(out))
    return out


def find_value_errors(labels: Any, predictions: Any) -> np.ndarray:
    """Robust z of each residual; beyond 3.5 either way is an outlier."""
    y = array(labels, np.float64, "labels", (None,))
    p = array(predictions, np.float64, "predictions", y.shape)
    out = np.empty(len(y))
    call("karat_value_errors", at(y), at(p), len(y), at(out))
    return out


def find_duplicate_errors(labels: Any, clusters: Any) -> np.ndarray:
    """Mask of items whose label is not their cluster's; -1: no label, no cluster."""
    l = array(labels, np.int32, "labels", (None,))
    k = array(clusters, np.int64, "clusters", l.shape)
    out = np.zeros(len(l), dtype=np.uint8)
    call("karat_duplicate_errors", at(l), at(k), len(l), at(out), None)
    return out.astype(bool)


def error_rate(wrong: Any, strata: Any = None, strata_sizes: Optional[Mapping[Any, int]] = None, chance: Any = None) -> Dict[str, Any]:
    """Error rate and 95 % interval from checked items. strata with strata_sizes (items of each in all), or chance of being drawn, or
    neither when the items were drawn uniformly."""
    w = array(wrong, np.uint8, "wrong", (None,))
    stratum = sizes = p = None
    if strata is not None:
        if strata_sizes is None:
            raise refuse("strata need strata_sizes")
        place = {s: i for i, s in enumerate(strata_sizes)}
        names = list(strata)
        unknown = [s for s in names if s not in place]
        if unknown:
            raise refuse(f"stratum {unknown[0]!r} has no size")
        stratum = array([place[s] for s in names], np.uint32, "strata", w.shape)
        sizes = array(list(strata_sizes.values()), np.uint64, "strata_sizes", (len(place),))
    if chance is not None:
        p = array(chance, np.float64, "chance", w.shape)
    r = Rate()
    call("karat_error_rate", at(w), len(w), at(stratum), at(sizes), 0 if sizes is None else len(sizes), at(p), c.byref(r))
    return {"rate": undefined(r.rate), "ci95": (r.low, r.high), "effective_n": r.effective_n}


def find_changes(right: Any, least: int = 20, level: float = 0.01, permutations: int = 999, seed: int = 1) -> List[Dict[str, float]]:
    """Where a source's accuracy changed: right is 0 or 1 an answer, in order of time."""
    r = array(right, np.uint8, "right", (None,))
    changes, n = c.POINTER(CChange)(), c.c_size_t()
    call("karat_drift", at(r), len(r), least, level, permutations, seed, c.byref(changes), c.byref(n))
    try:
        return [{"at": x.at, "before": x.before, "after": x.after, "p_value": x.p_value} for x in changes[:n.value]]
    finally:
        lib.karat_free(changes)


def source_patterns(votes: Any) -> Dict[Any, Dict[str, Any]]:
    """Who answers without looking: by source kappa with the majority of the others, its interval, and flags among constant,
    random, opposed, cycle."""
    v = _votes(votes)
    out = (Pattern * max(len(v.sources), 1))()
    call("karat_source_patterns", c.byref(v._c), out)
    flags = ("constant", "random", "opposed", "cycle")
    return {s: {"votes": p.votes, "kappa": undefined(p.kappa), "ci95": None if p.low != p.low else (p.low, p.high), "top_share": undefined(p.top_share),
                "flags": [f for b, f in enumerate(flags) if p.flags >> b & 1]} for s, p in zip(v.sources, out)}


def find_collusion(votes: Any, consensus: Mapping[Any, Any], least: int = 20, level: float = 0.01) -> List[Dict[str, Any]]:
    """Pairs of sources that agree more than their accuracy explains. consensus: item → likely truth."""
    v = _votes(votes)
    place = {l: i for i, l in enumerate(v.labels)}
    truth = np.array([place.get(consensus.get(i), -1) for i in v.items], dtype=np.int32)
    pairs, n = c.POINTER(Collusion)(), c.c_size_t()
    call("karat_find_collusion", c.byref(v._c), at(truth), least, level, c.byref(pairs), c.byref(n))
    try:
        return [{"a": v.sources[p.a], "b": v.sources[p.b], "shared": p.shared, "agreed": p.agreed, "expected": p.expected, "z": p.z, "q_value": p.q_value}
                for p in pairs[:n.value]]
    finally:
        lib.karat_free(pairs)
