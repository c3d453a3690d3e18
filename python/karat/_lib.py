"""libkarat through ctypes: finding it, its structures (include/karat.h), errors, and arrays that reach it without a copy."""
from __future__ import annotations

import ctypes as c
import os
from typing import Any, Optional, Sequence

import numpy as np

__all__ = ["KaratError", "version"]


class KaratError(ValueError):
    """What libkarat refused, and why. `code` is one of "usage", "parse", "range", "limit", "memory", "corrupt"."""

    NAMES = {-1: "usage", -2: "parse", -3: "range", -10: "limit", -17: "memory", -18: "corrupt"}

    def __init__(self, rc: int, what: str, hint: str = ""):
        super().__init__(f"{what} ({hint})" if hint else what)
        self.rc, self.code, self.hint = rc, self.NAMES.get(rc, str(rc)), hint


def _load() -> c.CDLL:
    here = os.path.dirname(os.path.abspath(__file__))
    asked = os.environ.get("KARAT_LIBRARY")
    tried = [asked] if asked else [os.path.join(here, "libkarat.so"), os.path.join(here, "..", "..", "build", "libkarat.so"), "libkarat.so.0", "libkarat.so"]
    for path in tried:
        if path.startswith("libkarat") or os.path.exists(path):
            try:
                return c.CDLL(path)
            except OSError as e:
                wrong = e
    raise ImportError(f"libkarat was not found (tried {', '.join(tried)}); build it with make, or name it in KARAT_LIBRARY") from locals().get("wrong")


lib = _load()
P = c.c_void_p


class Error(c.Structure):
    _fields_ = [("rc", c.c_int), ("what", c.c_char * 240), ("hint", c.c_char * 200)]


class CVotes(c.Structure):
    _fields_ = [("n", c.c_size_t), ("n_items", c.c_uint32), ("n_sources", c.c_uint32), ("n_labels", c.c_uint32), ("item", P), ("source", P), ("label", P)]


class CMatrix(c.Structure):
    _fields_ = [("data", P), ("type", c.c_int), ("n_rows", c.c_size_t), ("n_columns", c.c_size_t), ("row_stride", c.c_ssize_t), ("column_stride", c.c_ssize_t)]


DISTANCE = c.CFUNCTYPE(c.c_double, P, c.c_int32, c.c_int32)


class AgreeOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("set", c.POINTER(c.c_char_p)), ("n_set", c.c_size_t), ("value", P), ("domain", P), ("n_domain", c.c_size_t),
                ("has_missing", c.c_int), ("missing", c.c_int64), ("n_bootstrap", c.c_uint32), ("seed", c.c_uint64), ("no_interval", c.c_int),
                ("distance", DISTANCE), ("user", P)]


class Term(c.Structure):
    _fields_ = [("name", c.c_char_p), ("help", c.c_char_p), ("value", c.c_double)]


class CAgreement(c.Structure):
    _fields_ = [("value", c.c_double), ("low", c.c_double), ("high", c.c_double), ("n_terms", c.c_uint32), ("term", Term * 8)]


class CPair(c.Structure):
    _fields_ = [("a", c.c_uint32), ("b", c.c_uint32), ("items", c.c_size_t), ("percent", c.c_double), ("value", c.c_double), ("low", c.c_double), ("high", c.c_double)]


class AggregateOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("set", c.POINTER(c.c_char_p)), ("n_set", c.c_size_t), ("gold", P), ("source_weight", P), ("probs", P),
                ("init_spamming", P), ("init_strategy", P), ("seed", c.c_uint64)]


class DenoiseOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("method", c.c_char_p), ("class_balance", P), ("n_iter", c.c_int32), ("n_epochs", c.c_int32), ("lr", c.c_double),
                ("prec_init", c.c_double), ("init_scale", c.c_double), ("dependence", c.c_int), ("ignore_abstentions", c.c_int)]


class MergeOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("set", c.POINTER(c.c_char_p)), ("n_set", c.c_size_t)]


class CLabelSets(c.Structure):
    _fields_ = [("n", c.c_size_t), ("n_items", c.c_uint32), ("n_sources", c.c_uint32), ("n_labels", c.c_uint32), ("item", P), ("source", P), ("start", P), ("label", P)]


class CRegions(c.Structure):
    _fields_ = [("n_answers", c.c_size_t), ("n_items", c.c_uint32), ("n_sources", c.c_uint32), ("n_labels", c.c_uint32), ("item", P), ("source", P),
                ("n", c.c_size_t), ("answer", P), ("label", P), ("start", P), ("at", P)]


class CSequences(c.Structure):
    _fields_ = [("n_sequences", c.c_uint32), ("n_sources", c.c_uint32), ("n_types", c.c_uint32), ("length", P), ("n", c.c_size_t), ("sequence", P), ("source", P),
                ("at", P), ("tag", P), ("n_tags", c.c_size_t)]


class LabelProbs(c.Structure):
    _fields_ = [("n", c.c_size_t), ("n_labels", c.c_uint32), ("label", P), ("prob", P), ("type", c.c_int), ("row_stride", c.c_size_t)]


class OutlierOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("neighbours", c.c_uint32), ("metric", c.c_char_p), ("sample", c.c_size_t), ("seed", c.c_uint64)]


class CBoxes(c.Structure):
    _fields_ = [("n", c.c_size_t), ("start", P), ("xyxy", P), ("label", P), ("score", P)]


class Rate(c.Structure):
    _fields_ = [("rate", c.c_double), ("low", c.c_double), ("high", c.c_double), ("effective_n", c.c_double)]


class CChange(c.Structure):
    _fields_ = [("at", c.c_size_t), ("before", c.c_double), ("after", c.c_double), ("p_value", c.c_double)]


class Pattern(c.Structure):
    _fields_ = [("votes", c.c_uint32), ("compared", c.c_uint32), ("kappa", c.c_double), ("low", c.c_double), ("high", c.c_double), ("top_label", c.c_int32),
                ("top_share", c.c_double), ("others_top_share", c.c_double), ("cycle_lag", c.c_uint32), ("cycle_share", c.c_double), ("cycle_z", c.c_double),
                ("flags", c.c_int)]


class Collusion(c.Structure):
    _fields_ = [("a", c.c_uint32), ("b", c.c_uint32), ("shared", c.c_uint32), ("agreed", c.c_uint32), ("expected", c.c_double), ("z", c.c_double), ("q_value", c.c_double)]


class ClassScores(c.Structure):
    _fields_ = [(n, c.c_double) for n in ("accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "mcc", "f1_macro", "f1_weighted", "f1_micro",
                                          "log_loss", "brier", "ece", "mce")]


class Prf(c.Structure):
    _fields_ = [("precision", c.c_double), ("recall", c.c_double), ("f1", c.c_double), ("support", c.c_uint64), ("predicted", c.c_uint64), ("hits", c.c_uint64)]


class Detections(c.Structure):
    _fields_ = [("n", c.c_size_t), ("image", P), ("category", P), ("xywh", P), ("score", P), ("crowd", P)]


class MapScores(c.Structure):
    _fields_ = [(n, c.c_double) for n in ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large",
                                          "matched_iou")]


class Edits(c.Structure):
    _fields_ = [(n, c.c_uint64) for n in ("length", "substituted", "deleted", "inserted")]


class BoundaryScores(c.Structure):
    _fields_ = [(n, c.c_double) for n in ("precision", "recall", "f1", "mean_px", "max_px")]


class Segments(c.Structure):
    _fields_ = [("n", c.c_size_t), ("item", P), ("label", P), ("start_s", P), ("end_s", P)]


class Tracks(c.Structure):
    _fields_ = [("n", c.c_size_t), ("frame", P), ("track", P), ("xywh", P)]


class TrackScores(c.Structure):
    _fields_ = [(n, c.c_uint64) for n in ("misses", "false_positives", "switches")] + [
        (n, c.c_double) for n in ("mota", "motp", "idf1", "id_precision", "id_recall", "hota", "det_a", "ass_a")]


class ModelData(c.Structure):
    _fields_ = [("n", c.c_size_t), ("bytes", P), ("start", P), ("token", P), ("x", P), ("d", c.c_size_t), ("n_labels", c.c_uint32), ("label", P), ("has", P),
                ("parent", P), ("group", P)]


class ModelOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("set", c.POINTER(c.c_char_p)), ("n_set", c.c_size_t), ("folds", c.c_uint32), ("seed", c.c_uint64)]


class CSpan(c.Structure):
    _fields_ = [("item", c.c_size_t), ("first", c.c_size_t), ("last", c.c_size_t), ("type", c.c_uint32), ("prob", c.c_float)]


class CReason(c.Structure):
    _fields_ = [("feature", c.c_char * 120), ("adds", c.c_float)]
class LiveOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("right", c.c_double), ("wrong", c.c_double), ("equal", c.c_double), ("unnamed", c.c_double), ("refresh", c.c_int32)]


class LiveQuestion(c.Structure):
    _fields_ = [("size", c.c_size_t), ("target", c.c_double), ("least", c.c_uint32), ("doubt", c.c_double), ("worth", c.c_double), ("n_sources", c.c_uint32), ("source", P), ("price", P)]


class NearOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("threshold", c.c_double), ("shingle", c.c_char_p), ("n_slots", c.c_uint32), ("seed", c.c_uint32)]


class Scores(c.Structure):
    _fields_ = [("n", c.c_size_t), ("score", P), ("n_trusted", c.c_size_t), ("trusted_score", P), ("trusted_right", P)]


class Approval(c.Structure):
    _fields_ = [("found", c.c_int), ("score", c.c_double), ("budget", c.c_double), ("confidence", c.c_double), ("n_items", c.c_uint64),
                ("n_approved", c.c_uint64), ("n_trusted_items", c.c_uint64), ("n_trusted", c.c_uint32), ("n_wrong", c.c_uint32), ("error", c.c_double),
                ("upper", c.c_double), ("n_more", c.c_uint64)]


def _declare(name: str, result: Any, *args: Any) -> None:
    f = getattr(lib, name)
    f.restype, f.argtypes = result, list(args)


_z, _u32, _i, _d = c.c_size_t, c.c_uint32, c.c_int, c.c_double
_declare("karat_version", c.c_char_p)
_declare("karat_open", P, _i)
_declare("karat_close", None, P)
_declare("karat_free", None, P)
for _n in ("karat_agree_name", "karat_aggregate_name"):
    _declare(_n, c.c_char_p, _z)
for _n in ("karat_agree_help", "karat_agree_formula", "karat_aggregate_help"):
    _declare(_n, c.c_char_p, c.c_char_p)
_declare("karat_agree", _i, P, c.c_char_p, P, P, P, P)
_declare("karat_agree_matrix", _i, P, c.c_char_p, P, P, P, P)
_declare("karat_agree_pairs", _i, P, c.c_char_p, P, P, P, P, P)
_declare("karat_agree_classes", _i, P, c.c_char_p, P, P, P, P, P, P, P)
_declare("karat_agree_items", _i, P, P, P)
_declare("karat_aggregate", _i, P, c.c_char_p, P, P, P, P)
_declare("karat_posterior_free", None, P)
_declare("karat_posterior_get", P, P, c.c_char_p, P)
_declare("karat_posterior_label", P, P)
_declare("karat_denoise", _i, P, P, _z, _u32, _u32, P, P, P, P, P, P, P)
_declare("karat_crowdlab_active", _i, P, P, P, P, _z, P, P, P, P)
_declare("karat_rank", _i, P, P, _z, _u32, P, P, P)
_declare("karat_merge_texts", _i, P, _z, P, P)
_declare("karat_merge_masks", _i, P, _z, _z, c.c_int32, P, P, P)
_declare("karat_merged_get", P, P, c.c_char_p, P)
_declare("karat_merged_free", None, P)
_declare("karat_merged_text", c.c_char_p, P, _z)
_declare("karat_merge_answer_texts", _i, P, P, P, _z, _u32, _u32, c.c_char_p, P, P)
_declare("karat_merge_answer_masks", _i, P, P, P, _z, _z, _u32, _u32, c.c_int32, P, P)
_declare("karat_merge_rankings", _i, P, P, P, _z, _u32, _u32, P, P, P)
_declare("karat_merge_numbers", _i, P, P, P, _z, _u32, _u32, P, P, P)
_declare("karat_merge_sets", _i, P, P, c.c_char_p, P, P)
_declare("karat_merge_taxonomy", _i, P, P, P, P, P, P)
_declare("karat_merge_sequences", _i, P, P, P, P, P)
_declare("karat_merge_regions", _i, P, c.c_char_p, P, P, P, P)
_declare("karat_label_issues", _i, P, P, c.c_char_p, P, P, P)
_declare("karat_label_quality", _i, P, P, c.c_char_p, P, P)
_declare("karat_confident_joint", _i, P, P, P, P, P, P, P)
_declare("karat_group_quality", _i, P, _z, P, _z, _d, P, P)
_declare("karat_multilabel_quality", _i, P, P, _z, _u32, P, P)
_declare("karat_value_errors", _i, P, P, _z, P, P)
_declare("karat_outliers", _i, P, P, _z, _z, P, P, P, P, P)
_declare("karat_duplicate_errors", _i, P, P, _z, P, P, P)
_declare("karat_box_quality", _i, P, P, P, P, P, P, P, P)
_declare("karat_error_rate", _i, P, _z, P, P, _u32, P, P, P)
_declare("karat_drift", _i, P, _z, _z, _d, _u32, c.c_uint64, P, P, P)
_declare("karat_source_patterns", _i, P, P, P)
_declare("karat_find_collusion", _i, P, P, _u32, _d, P, P, P)
_declare("karat_score_classes", _i, P, P, P, P, _z, _u32, P, P, P, P, P, P, P)
_declare("karat_uncertainty", _i, P, _z, _u32, P, P, P, P)
_declare("karat_score_spans", _i, P, P, P, _z, c.c_char_p, _i, P, P)
_declare("karat_span_scores_free", None, P)
_declare("karat_span_scores_types", _z, P)
_declare("karat_span_scores_get", c.c_char_p, P, _z, P)
_declare("karat_box_iou", _i, P, _z, P, _z, P, P, P)
_declare("karat_score_boxes", _i, P, P, P, _u32, _u32, P, P, P, P)
_declare("karat_count_edits", _i, c.c_char_p, _z, c.c_char_p, _z, _i, P, P)
_declare("karat_score_masks", _i, P, P, _z, _u32, P, P, P, P)
_declare("karat_score_boundary", _i, P, P, _u32, _u32, _d, P, P)
_declare("karat_score_segments", _i, P, P, P, P, P)
_declare("karat_score_tracks", _i, P, P, P, P)
_declare("karat_model_name", c.c_char_p, _z)
_declare("karat_model_help", c.c_char_p, c.c_char_p)
_declare("karat_model_fit", _i, P, c.c_char_p, P, P, P, P)
_declare("karat_model_free", None, P)
_declare("karat_model_cross", _i, P, c.c_char_p, P, P, P, P)
_declare("karat_model_predict", _i, P, P, P, P, P, P)
_declare("karat_model_update", _i, P, P, P)
_declare("karat_model_spans", _i, P, P, P, P, P, P)
_declare("karat_model_explain", _i, P, P, _z, _u32, _z, P, P, P)
_declare("karat_model_bytes", _i, P, P, P, P, P)
_declare("karat_model_open", _i, P, _z, P, P)
_declare("karat_model_kind", c.c_char_p, P)
_declare("karat_model_n_labels", _u32, P)
_declare("karat_model_label", c.c_char_p, P, _u32)
_declare("karat_model_shape", c.c_char_p, P)
_declare("karat_live_open", _i, _u32, P, P, P)
_declare("karat_live_close", None, P)
_declare("karat_live_grow", _i, P, _u32, P)
_declare("karat_live_add", _i, P, _u32, _u32, c.c_int32, P)
_declare("karat_live_add_votes", _i, P, P, P)
_declare("karat_live_withdraw", _i, P, _u32, _u32, P)
_declare("karat_live_settle", _u32, P, _u32, _d)
_declare("karat_live_said", c.c_int32, P, _u32, _u32)
_declare("karat_live_posterior", _u32, P, _u32, P)
_declare("karat_live_accuracy", _d, P, _u32)
_declare("karat_live_next", _i, P, _u32, P, P, P, P, P)
_declare("karat_minhash", _i, P, P, P, _z, P, P, P, P)
_declare("karat_minhash_permutations", _i, P, P, P, P)
_declare("karat_minhash_bands", _i, _d, _u32, P, P, P)
_declare("karat_jaccard", _i, c.c_char_p, _z, c.c_char_p, _z, P, P, P, P, P)
_declare("karat_near_clusters", _i, P, P, P, _z, P, P, P)
_declare("karat_threshold", _i, P, P, P, P, _u32, _d, P, P)
_declare("karat_threshold_weighted", _i, P, P, _d, _d, _d, P, P)
_declare("karat_conformal_select", _i, P, _d, P, P, P)
_declare("karat_confidence_sequence", _i, P, _z, c.c_uint64, _d, P, P, P)
_declare("karat_calibrate", _i, P, P, P, _z, c.c_char_p, c.c_uint64, P, _z, P, P, P)

context = lib.karat_open(int(os.environ.get("KARAT_THREADS", "0")))


def version() -> str:
    """The version of libkarat."""
    return lib.karat_version().decode()


def call(name: str, *args: Any) -> None:
    """Calls a function that ends with a karat_error *; raises KaratError. ctypes lets other Python threads run meanwhile."""
    e = Error()
    rc = getattr(lib, name)(*args, c.byref(e))
    if rc < 0:
        raise KaratError(rc, e.what.decode("utf-8", "replace"), e.hint.decode("utf-8", "replace"))


def refuse(what: str, hint: str = "") -> KaratError:
    return KaratError(-3, what, hint)


def array(x: Any, dtype: Any, what: str, shape: Optional[Sequence[Optional[int]]] = None) -> np.ndarray:
    """x as a contiguous array of dtype, itself where it is one already. shape: None entries are free. Whole numbers are wanted
    where dtype says so: 1.5 is refused, not cut."""
    try:
        a = np.asarray(x)
        if a.dtype == object:
            a = a.astype(dtype)
        if np.issubdtype(np.dtype(dtype), np.integer):
            if a.dtype.kind == "f" and a.size and not (np.isfinite(a).all() and (a == np.rint(a)).all()):
                raise refuse(f"{what} should be whole numbers")
            if a.dtype.kind not in "biuf" and a.size:
                raise refuse(f"{what} should be whole numbers, not {a.dtype}")
            info = np.iinfo(dtype)
            if a.size and a.dtype.kind in "iuf" and (a.min() < info.min or a.max() > info.max):
                raise refuse(f"{what} goes from {a.min()} to {a.max()}; {info.min} to {info.max} are taken")
        a = np.ascontiguousarray(a, dtype=dtype) if a.ndim else np.array(a, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as e:
        if isinstance(e, KaratError):
            raise
        raise refuse(f"{what}: {e}") from None
    if shape is not None and (a.ndim != len(shape) or any(want is not None and want != got for want, got in zip(shape, a.shape))):
        raise refuse(f"{what} has shape {a.shape}, expected ({', '.join('any' if s is None else str(s) for s in shape)})")
    return a


def at(a: Optional[np.ndarray]) -> Optional[int]:
    return None if a is None else a.ctypes.data


TYPES = {np.dtype(t): i for i, t in enumerate((np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64))}


def matrix(x: Any, what: str, transposed: bool = False) -> "tuple[CMatrix, np.ndarray]":
    """x as a matrix in place, whatever its strides; transposed: rows are sources and columns items. Keep the array while the
    matrix is used."""
    a = np.asarray(x)
    if a.dtype == object or a.dtype.kind not in "biuf":
        try:
            a = a.astype(np.float64)
        except (TypeError, ValueError) as e:
            raise refuse(f"{what}: {e}") from None
    if a.dtype.kind == "b":
        a = a.view(np.uint8)
    if a.dtype not in TYPES or not a.dtype.isnative or not a.flags.aligned:
        a = a.astype(np.float64)
    if a.ndim != 2:
        raise refuse(f"{what} has {a.ndim} dimensions, expected 2")
    rows, columns = (1, 0) if transposed else (0, 1)
    return CMatrix(a.ctypes.data, TYPES[a.dtype], a.shape[rows], a.shape[columns], a.strides[rows], a.strides[columns]), a


def settings(options: "dict[str, Any]") -> "tuple[Any, int]":
    """NAME=VALUE strings for the C side."""
    texts = [f"{k}={v}".encode() for k, v in options.items() if v is not None]
    return (c.c_char_p * max(len(texts), 1))(*texts), len(texts)


def names(function: str) -> "list[str]":
    ret: "list[str]" = []
    while True:
        n = getattr(lib, function)(len(ret))
        if n is None:
            return ret
        ret.append(n.decode())


def undefined(x: float) -> Optional[float]:
    return None if x != x else x
