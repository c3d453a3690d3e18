"""How good predictions are against a truth."""
from __future__ import annotations

import ctypes as c
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from ._lib import (BoundaryScores, ClassScores, Detections, Edits, MapScores, Prf, Segments, Tracks, TrackScores, array, at, call, context, lib, refuse,
                   undefined)

__all__ = ["score_classes", "uncertainty", "span_scores", "box_iou", "coco_map", "word_error_rate", "character_error_rate", "mask_scores", "boundary_scores",
           "segment_scores", "track_scores"]


def _dict(s: c.Structure) -> Dict[str, Any]:
    return {n: undefined(getattr(s, n)) for n, _ in s._fields_}


def score_classes(y_true: Any, y_pred: Any = None, probs: Any = None, n_labels: Optional[int] = None) -> Dict[str, Any]:
    """Accuracy, F1, MCC, confusion; with probs (items × classes) log loss, Brier, ECE. Classes are numbers. y_pred missing: the
    likeliest of probs. None: undefined."""
    t = array(y_true, np.int32, "y_true", (None,))
    p = None if y_pred is None else array(y_pred, np.int32, "y_pred", t.shape)
    q = None if probs is None else array(probs, np.float64, "probs", (len(t), None))
    if p is None and q is None:
        raise refuse("y_pred or probs is needed")
    k = q.shape[1] if q is not None else n_labels if n_labels is not None else int(max(t.max(initial=-1), p.max(initial=-1))) + 1
    s = ClassScores()
    precision, recall, f1 = np.empty(k), np.empty(k), np.empty(k)
    support, confusion = np.empty(k, np.uint64), np.empty((k, k), np.uint64)
    call("karat_score_classes", context, at(t), at(p), at(q), len(t), k, c.byref(s), at(precision), at(recall), at(f1), at(support), at(confusion))
    return {**_dict(s), "precision": precision, "recall": recall, "f1": f1, "support": support.astype(np.int64), "confusion": confusion.astype(np.int64)}


def uncertainty(probs: Any) -> Dict[str, np.ndarray]:
    """entropy (nats), margin and least_confidence of each row, and rank_… of each: most uncertain first, ties to the lower index."""
    p = array(probs, np.float64, "probs", (None, None))
    out = {n: np.empty(len(p)) for n in ("entropy", "margin", "least_confidence")}
    call("karat_uncertainty", at(p), len(p), p.shape[1], *(at(x) for x in out.values()))
    rank = {f"rank_{n}": np.argsort(np.rint((x if n == "margin" else -x) * 1e10), kind="stable") for n, x in out.items()}
    return {**out, **rank}


def span_scores(y_true: Sequence[Sequence[str]], y_pred: Sequence[Sequence[str]], scheme: str = "default", overlap: bool = False) -> Dict[str, Dict[str, Any]]:
    """Precision, recall, F1 and support by type and their averages, as seqeval's classification_report. Tags by sentence; scheme
    default (conlleval), IOB2, IOBES or IOE2 (only well-formed spans); overlap: spans that share a token count."""
    if [len(s) for s in y_true] != [len(s) for s in y_pred]:
        raise refuse("truth and prediction differ in the lengths of their sentences")
    start = np.zeros(len(y_true) + 1, dtype=np.uintp)
    start[1:] = np.cumsum([len(s) for s in y_true])
    flat = lambda y: (c.c_char_p * (int(start[-1]) + 1))(*(t.encode() for s in y for t in s))
    r = c.c_void_p()
    call("karat_score_spans", flat(y_pred), flat(y_true), at(start), len(y_true), scheme.encode(), int(overlap), c.byref(r))
    try:
        ret, prf, n = {}, Prf(), lib.karat_span_scores_types(r)
        for i in range(n + 3):
            name = lib.karat_span_scores_get(r, i, c.byref(prf)).decode()
            if i >= n or prf.support or prf.predicted:
                ret[name] = {"precision": prf.precision, "recall": prf.recall, "f1": prf.f1, "support": prf.support}
        return ret
    finally:
        lib.karat_span_scores_free(r)


def box_iou(a: Any, b: Any, iscrowd: Any = None) -> np.ndarray:
    """IoU of every box of a with every box of b; x, y, width, height. iscrowd marks boxes of b that swallow detections (COCO)."""
    x = array(np.asarray(a, dtype=np.float64).reshape(-1, 4), np.float64, "a")
    y = array(np.asarray(b, dtype=np.float64).reshape(-1, 4), np.float64, "b")
    crowd = None if iscrowd is None else array(iscrowd, np.uint8, "iscrowd", (len(y),))
    out = np.empty((len(x), len(y)))
    call("karat_box_iou", at(x), len(x), at(y), len(y), at(crowd), at(out))
    return out


def _detections(rows: Sequence[Mapping[str, Any]], image: Dict[Any, int], category: Dict[Any, int], scores: bool) -> "tuple[Detections, tuple]":
    i = array([image.setdefault(r["image_id"], len(image)) for r in rows], np.uint32, "image_id")
    k = array([category.setdefault(r["category_id"], len(category)) for r in rows], np.uint32, "category_id")
    box = array(np.array([r["bbox"] for r in rows], dtype=np.float64).reshape(-1, 4), np.float64, "bbox")
    score = array([r["score"] for r in rows], np.float64, "score") if scores else None
    crowd = None if scores else array([int(r.get("iscrowd", 0)) for r in rows], np.uint8, "iscrowd")
    return Detections(len(rows), at(i), at(k), at(box), at(score), at(crowd)), (i, k, box, score, crowd)


def coco_map(truth: Sequence[Mapping[str, Any]], predictions: Sequence[Mapping[str, Any]], image_ids: Optional[Sequence[Any]] = None,
             category_ids: Optional[Sequence[Any]] = None) -> Dict[str, Any]:
    """COCO's detection metrics. Dicts with image_id, category_id, bbox (x, y, width, height), of predictions score, of truth
    iscrowd. None: no truth in that slice. per_category: AP and AP50 by category."""
    image: Dict[Any, int] = {i: n for n, i in enumerate(image_ids or [])}
    category: Dict[Any, int] = {k: n for n, k in enumerate(category_ids or [])}
    t, keep_t = _detections(truth, image, category, False)
    p, keep_p = _detections(predictions, image, category, True)
    s, ap, ap50 = MapScores(), np.empty(len(category)), np.empty(len(category))
    call("karat_score_boxes", context, c.byref(p), c.byref(t), len(image), len(category), c.byref(s), at(ap), at(ap50))
    return {**_dict(s), "per_category": {k: {"ap": undefined(a), "ap50": undefined(b)} for k, a, b in zip(category, ap.tolist(), ap50.tolist())}}


def _error_rate(truth: Any, predicted: Any, chars: bool) -> Optional[float]:
    pairs = [(truth, predicted)] if isinstance(truth, str) else list(zip(truth, predicted))
    if not isinstance(truth, str) and len(truth) != len(predicted):
        raise refuse(f"{len(truth)} true texts and {len(predicted)} predicted ones")
    e = Edits()
    for t, p in pairs:
        a, b = p.encode("utf-8", "surrogatepass"), t.encode("utf-8", "surrogatepass")
        call("karat_count_edits", a, len(a), b, len(b), int(chars), c.byref(e))
    return (e.substituted + e.deleted + e.inserted) / e.length if e.length else None


def word_error_rate(truth: Any, predicted: Any) -> Optional[float]:
    """Edits over words of the truth; two texts, or two sequences of texts together."""
    return _error_rate(truth, predicted, False)


def character_error_rate(truth: Any, predicted: Any) -> Optional[float]:
    """Edits over characters of the truth."""
    return _error_rate(truth, predicted, True)


def mask_scores(truth: Any, predicted: Any, n_labels: Optional[int] = None) -> Dict[str, Any]:
    """IoU and Dice by label (NaN: on neither side) and pixel accuracy of label maps of any shape. Labels below 0 in the truth are
    not looked at."""
    t = array(truth, np.int32, "truth")
    p = array(predicted, np.int32, "predicted", t.shape)
    k = n_labels if n_labels is not None else int(max(t.max(initial=-1), p.max(initial=-1))) + 1
    iou, dice, accuracy = np.empty(k), np.empty(k), c.c_double()
    call("karat_score_masks", at(p), at(t), t.size, k, at(iou), at(dice), c.byref(accuracy))
    mean = lambda x: None if np.isnan(x).all() else float(np.nanmean(x))
    return {"iou": iou, "dice": dice, "mean_iou": mean(iou), "mean_dice": mean(dice), "pixel_accuracy": undefined(accuracy.value)}


def boundary_scores(truth: Any, predicted: Any, tolerance_px: float = 2.0) -> Dict[str, Optional[float]]:
    """Boundaries of two binary masks (height × width): precision, recall and F1 within the tolerance, mean and largest distance."""
    t = array(np.asarray(truth) != 0, np.uint8, "truth", (None, None))
    p = array(np.asarray(predicted) != 0, np.uint8, "predicted", t.shape)
    s = BoundaryScores()
    call("karat_score_boundary", at(p), at(t), t.shape[1], t.shape[0], tolerance_px, c.byref(s))
    return _dict(s)


def _segments(rows: Sequence[Sequence[Any]], items: Dict[Any, int], labels: Dict[Any, int]) -> "tuple[Segments, tuple]":
    i = array([items.setdefault(r[0], len(items)) for r in rows], np.uint32, "item")
    l = array([labels.setdefault(r[1], len(labels)) for r in rows], np.int32, "label")
    a, b = (array([r[k] for r in rows], np.float64, w) for k, w in ((2, "start"), (3, "end")))
    return Segments(len(rows), at(i), at(l), at(a), at(b)), (i, l, a, b)


def segment_scores(truth: Sequence[Sequence[Any]], predicted: Sequence[Sequence[Any]]) -> Dict[str, Any]:
    """Segments in time, (item, label, start, end) in seconds: iou, and f1 at IoU .1, .25 and .5."""
    items: Dict[Any, int] = {}
    labels: Dict[Any, int] = {}
    t, keep_t = _segments(truth, items, labels)
    p, keep_p = _segments(predicted, items, labels)
    iou, f1 = c.c_double(), np.empty(3)
    call("karat_score_segments", c.byref(p), c.byref(t), c.byref(iou), at(f1))
    return {"iou": undefined(iou.value), "f1": dict(zip((0.1, 0.25, 0.5), f1.tolist()))}


def _tracks(frame: Any, track: Any, boxes: Any) -> "tuple[Tracks, tuple]":
    f = array(frame, np.uint32, "frame", (None,))
    k = array(track, np.uint32, "track", f.shape)
    b = array(np.asarray(boxes, dtype=np.float64).reshape(-1, 4), np.float64, "boxes", (len(f), 4))
    return Tracks(len(f), at(f), at(k), at(b)), (f, k, b)


def track_scores(truth: "tuple[Any, Any, Any]", predicted: "tuple[Any, Any, Any]") -> Dict[str, Any]:
    """MOTA, IDF1, HOTA and their parts. Each side is (frame, track, boxes x, y, width, height)."""
    t, keep_t = _tracks(*truth)
    p, keep_p = _tracks(*predicted)
    s = TrackScores()
    call("karat_score_tracks", c.byref(p), c.byref(t), c.byref(s))
    return _dict(s)
