"""The built-in models: texts, spans and rows of numbers to labels, with probabilities out of fold, reasons and online updates.

Files are those of the karat program: `karat model train` makes what `load` opens, and the other way round."""
from __future__ import annotations

import ctypes as c
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from ._lib import CReason, CSpan, KaratError, ModelData, ModelOptions, array, at, call, context, lib, refuse, settings

__all__ = ["LinearText", "CRF", "KNN", "Prototypes", "LinearDense", "load_model", "model_kinds"]


def model_kinds() -> Dict[str, str]:
    """Kinds of models and what they are for."""
    out: Dict[str, str] = {}
    while True:
        name = lib.karat_model_name(len(out))
        if name is None:
            return out
        out[name.decode()] = lib.karat_model_help(name).decode()


def _packed(texts: Sequence[str], what: str) -> Tuple[np.ndarray, np.ndarray]:
    if isinstance(texts, str):
        raise refuse(f"{what} is one text; give a list of them")
    try:
        raw = [t.encode("utf-8", "surrogatepass") for t in texts]
    except AttributeError:
        raise refuse(f"{what} should be texts") from None
    start = np.zeros(len(raw) + 1, dtype=np.uintp)
    np.cumsum([len(r) for r in raw], out=start[1:])
    return np.frombuffer(b"".join(raw) or b"\0", dtype=np.uint8), start


class _Model:
    """What all models share. Labels are names (any text); a label None is no label."""

    KIND = ""

    def __init__(self, *, seed: int = 1, **options: Any):
        self._options, self._seed, self._model = options, seed, c.c_void_p()
        self.labels: List[str] = []

    def __del__(self) -> None:
        if getattr(self, "_model", None):
            lib.karat_model_free(self._model)

    def __repr__(self) -> str:
        return f"karat.{type(self).__name__}({len(self.labels)} labels)" if self._model else f"karat.{type(self).__name__}(not fitted)"

    # what the subclass knows about its items
    def _items(self, x: Any) -> Tuple[ModelData, tuple]:
        raise NotImplementedError

    def _answers(self, d: ModelData, y: Any, n: int, fixed: bool) -> tuple:
        """Numbers the labels, into d."""
        labels = [None if v is None else str(v) for v in y]
        if len(labels) != n:
            raise refuse(f"{len(labels)} labels for {n} items")
        if not fixed:
            self.labels = sorted({v for v in labels if v is not None})
        place = {v: i for i, v in enumerate(self.labels)}
        new = [v for v in labels if v is not None and v not in place]
        if new:
            raise refuse(f"the model has no label {new[0]!r}", "a new one needs a new fit")
        label = np.array([-1 if v is None else place[v] for v in labels], dtype=np.int32)
        d.label, d.n_labels = at(label), len(self.labels)
        return (label,)

    def _width(self) -> int:
        return len(self.labels)

    def _need(self) -> None:
        if not self._model:
            raise refuse("the model is not fitted", "call fit, or load a model")

    def _run(self, folds: int) -> "tuple[ModelOptions, Any]":
        texts, n = settings(self._options)
        return ModelOptions(c.sizeof(ModelOptions), texts, n, folds, self._seed), texts

    def _group(self, d: ModelData, groups: Any, n: int) -> tuple:
        if groups is None:
            return ()
        number: Dict[Any, int] = {}
        g = np.array([0 if v is None else number.setdefault(v, len(number) + 1) for v in groups], dtype=np.uint64)
        if len(g) != n:
            raise refuse(f"{len(g)} groups for {n} items")
        d.group = at(g)
        return (g,)

    def fit(self, x: Any, y: Any, groups: Any = None) -> Any:
        """Learns. groups: items of one name do not judge each other when the model chooses how sure to be."""
        d, keep = self._items(x)
        before, model = self.labels, c.c_void_p()
        try:
            more = (self._answers(d, y, d.n, False), self._group(d, groups, d.n))
            o, texts = self._run(0)
            call("karat_model_fit", context, self.KIND.encode(), c.byref(d), c.byref(o), c.byref(model))
        except KaratError:
            self.labels = before
            raise
        if self._model:
            lib.karat_model_free(self._model)
        self._model = model
        return self

    def cross_val_proba(self, x: Any, y: Any, folds: int = 5, groups: Any = None) -> np.ndarray:
        """Probabilities of every item by models that did not see it (nor its group): for calibration, and for karat.find_label_issues.
        Columns are the labels in order, as .labels of a model fitted to the same y."""
        other = type(self)(seed=self._seed, **self._options)
        d, keep = other._items(x)
        more = (other._answers(d, y, d.n, False), other._group(d, groups, d.n))
        o, texts = other._run(folds)
        out = np.zeros((other._rows(d), other._width()), dtype=np.float32)
        call("karat_model_cross", context, self.KIND.encode(), c.byref(d), c.byref(o), at(out))
        return out

    def _rows(self, d: ModelData) -> int:
        return d.n

    def predict_proba(self, x: Any) -> np.ndarray:
        """Items × labels (in the order of .labels)."""
        self._need()
        d, keep = self._items(x)
        out = np.zeros((self._rows(d), self._width()), dtype=np.float32)
        call("karat_model_predict", context, self._model, c.byref(d), at(out), None)
        return out

    def predict(self, x: Any) -> List[Any]:
        """The likeliest label of each item."""
        return [self.labels[i] for i in self.predict_proba(x).argmax(axis=1)]

    def update(self, x: Any, y: Any) -> Any:
        """Learns a few more labels at once, without a new fit."""
        self._need()
        d, keep = self._items(x)
        more = self._answers(d, y, d.n, True)
        call("karat_model_update", self._model, c.byref(d))
        return self

    def explain(self, x: Any, label: str, top: int = 10) -> List[Tuple[str, float]]:
        """Why one item has the label: features by what they add for it (or against), strongest first."""
        self._need()
        d, keep = self._items([x])
        return self._reasons(d, 0, self._number(label), top)

    def _number(self, label: str) -> int:
        if label not in self.labels:
            raise refuse(f"the model has no label {label!r}")
        return self.labels.index(label)

    def _reasons(self, d: ModelData, item: int, label: int, top: int) -> List[Tuple[str, float]]:
        why, n = (CReason * max(top, 1))(), c.c_size_t()
        call("karat_model_explain", self._model, c.byref(d), item, label, top, why, c.byref(n))
        return [(r.feature.decode("utf-8", "replace"), r.adds) for r in why[:n.value]]

    def save(self, path: str) -> None:
        """Writes the model as the karat program keeps it."""
        self._need()
        names = (c.c_char_p * max(len(self.labels), 1))(*[l.encode() for l in self.labels])
        data, n = c.c_void_p(), c.c_size_t()
        call("karat_model_bytes", self._model, names, c.byref(data), c.byref(n))
        try:
            with open(path, "wb") as f:
                f.write(c.string_at(data, n.value))
        finally:
            lib.karat_free(data)

    @classmethod
    def load(cls, path: str) -> Any:
        """Opens a model of this kind."""
        m = load_model(path)
        if not isinstance(m, cls):
            raise refuse(f"{path} holds a {m.KIND} model, not a {cls.KIND} one")
        return m


class LinearText(_Model):
    """Texts to labels by word and character n-grams. task: "single", "multi" (y: a list of labels an item) or "tree" (labels as paths,
    "animal/dog"; a label's probability counts what lies below it). words, char_min, char_max: n-grams; bits: hashed space; epochs, cost."""

    KIND = "linear"

    def __init__(self, task: str = "single", *, seed: int = 1, **options: Any):
        super().__init__(seed=seed, task=task, **options)

    @property
    def task(self) -> str:
        return self._options["task"]

    def _items(self, x: Any) -> Tuple[ModelData, tuple]:
        raw, start = _packed(x, "x")
        return ModelData(n=len(start) - 1, bytes=at(raw), start=at(start)), (raw, start)

    def _answers(self, d: ModelData, y: Any, n: int, fixed: bool) -> tuple:
        if self.task == "single":
            return super()._answers(d, y, n, fixed)
        if self.task == "multi":
            sets = [{str(l) for l in v} if not isinstance(v, str) else refuse("y is a list of labels for each item") for v in y]
            for s in sets:
                if isinstance(s, Exception):
                    raise s
            if len(sets) != n:
                raise refuse(f"{len(sets)} sets of labels for {n} items")
            if not fixed:
                self.labels = sorted(set().union(*sets)) if sets else []
            place = {v: i for i, v in enumerate(self.labels)}
            has = np.zeros((n, len(self.labels)), dtype=np.float32)
            for i, s in enumerate(sets):
                for l in s:
                    if l not in place:
                        raise refuse(f"the model has no label {l!r}", "a new one needs a new fit")
                    has[i, place[l]] = 1
            d.has, d.n_labels = at(has), len(self.labels)
            return (has,)
        if not fixed:
            paths = {str(v) for v in y if v is not None}
            every = sorted({"/".join(p.split("/")[:i + 1]) for p in paths for i in range(p.count("/") + 1)})
            keep = super()._answers(d, y, n, False)
            self.labels = every
        keep = super()._answers(d, y, n, True)
        place = {v: i for i, v in enumerate(self.labels)}
        parent = np.array([place.get(l.rpartition("/")[0], -1) for l in self.labels], dtype=np.int32)
        d.parent = at(parent)
        return (*keep, parent)

    def predict(self, x: Any) -> List[Any]:
        """The likeliest label of each text; of task "multi" a list of those above 1/2."""
        p = self.predict_proba(x)
        if self.task == "multi":
            return [[self.labels[i] for i in np.flatnonzero(row > 0.5)] for row in p]
        if self.task == "tree":
            own = p.copy()
            for i, l in enumerate(self.labels):
                up = l.rpartition("/")[0]
                if up:
                    own[:, self.labels.index(up)] -= p[:, i]
            p = own
        return [self.labels[i] for i in p.argmax(axis=1)]


class CRF(_Model):
    """Spans in sentences of tokens. y: a list of BIO tags ("O", "B-person", "I-person") a sentence."""

    KIND = "crf"

    def _items(self, x: Any) -> Tuple[ModelData, tuple]:
        if isinstance(x, str) or any(isinstance(s, str) for s in x):
            raise refuse("x is a list of sentences, and a sentence a list of tokens")
        token = np.zeros(len(x) + 1, dtype=np.uintp)
        np.cumsum([len(s) for s in x], out=token[1:])
        raw, start = _packed([t for s in x for t in s], "x")
        return ModelData(n=len(x), bytes=at(raw), start=at(start), token=at(token)), (raw, start, token)

    def _answers(self, d: ModelData, y: Any, n: int, fixed: bool) -> tuple:
        tags = [t for s in y for t in s]
        if len(tags) != self._rows(d):
            raise refuse(f"{len(tags)} tags for {self._rows(d)} tokens")
        if not fixed:
            self.labels = sorted({t[2:] for t in tags if t and t != "O"})
        place = {"O": 0, None: -1, **{f"{f}-{l}": 1 + 2 * i + (f in "IEL") for i, l in enumerate(self.labels) for f in "BISEUL"}}
        wrong = [t for t in tags if t not in place]
        if wrong:
            raise refuse(f"tag {wrong[0]!r} is neither O nor B-type or I-type of {', '.join(self.labels) or 'no type'}")
        label = np.array([place[t] for t in tags], dtype=np.int32)
        d.label, d.n_labels = at(label), len(self.labels)
        return (label,)

    def _width(self) -> int:
        return 1 + 2 * len(self.labels)

    def _rows(self, d: ModelData) -> int:
        return c.cast(d.token, c.POINTER(c.c_size_t))[d.n]

    @property
    def tags(self) -> List[str]:
        """The columns of probabilities."""
        return ["O", *[f"{f}-{l}" for l in self.labels for f in "BI"]]

    def _split(self, x: Any, flat: Any) -> List[Any]:
        ends = np.cumsum([len(s) for s in x])[:-1]
        return np.split(flat, ends) if len(x) else []

    def predict(self, x: Any) -> List[List[str]]:
        """The likeliest valid tags of each sentence."""
        self._need()
        d, keep = self._items(x)
        out, tag = np.zeros((self._rows(d), self._width()), dtype=np.float32), np.zeros(self._rows(d), dtype=np.int32)
        call("karat_model_predict", context, self._model, c.byref(d), at(out), at(tag))
        names = self.tags
        return [[names[t] for t in s] for s in self._split(x, tag)]

    def predict_marginals(self, x: Any) -> List[np.ndarray]:
        """Tokens × tags for each sentence."""
        return self._split(x, self.predict_proba(x))

    def spans(self, x: Any) -> List[List[Dict[str, Any]]]:
        """For each sentence its spans: first and last token, label, and the probability that exactly this is a span."""
        self._need()
        d, keep = self._items(x)
        spans, n = c.POINTER(CSpan)(), c.c_size_t()
        call("karat_model_spans", context, self._model, c.byref(d), c.byref(spans), c.byref(n))
        out: List[List[Dict[str, Any]]] = [[] for _ in x]
        first = np.concatenate([[0], np.cumsum([len(s) for s in x])]).astype(int)
        for s in spans[:n.value]:
            out[s.item].append({"first": s.first - first[s.item], "last": s.last - first[s.item], "label": self.labels[s.type], "probability": s.prob})
        lib.karat_free(spans)
        return out

    def explain(self, x: Sequence[str], token: int, tag: str, top: int = 10) -> List[Tuple[str, float]]:
        """Why token number `token` of one sentence has the tag rather than O."""
        self._need()
        d, keep = self._items([x])
        if tag not in self.tags:
            raise refuse(f"the model has no tag {tag!r}")
        return self._reasons(d, token, self.tags.index(tag), top)


class _Rows(_Model):
    def _items(self, x: Any) -> Tuple[ModelData, tuple]:
        a = array(x, np.float32, "x", (None, None))
        return ModelData(n=a.shape[0], x=at(a), d=a.shape[1]), (a,)


class KNN(_Rows):
    """Rows of numbers to labels by the nearest neighbours. metric: "cosine" or "euclidean"; k: 0 chooses by leaving one out."""

    KIND = "knn"


class Prototypes(_Rows):
    """Rows of numbers to labels by the nearest class mean. metric: "cosine" or "euclidean"."""

    KIND = "prototypes"


class LinearDense(_Rows):
    """Rows of numbers to labels by a linear model. epochs, cost."""

    KIND = "dense"


def load_model(path: str) -> Union[LinearText, CRF, KNN, Prototypes, LinearDense]:
    """Opens a model file of any kind, of this package or of `karat model train`."""
    with open(path, "rb") as f:
        data = f.read()
    model = c.c_void_p()
    call("karat_model_open", data, len(data), c.byref(model))
    kind = lib.karat_model_kind(model).decode()
    cls = next(k for k in (LinearText, CRF, KNN, Prototypes, LinearDense) if k.KIND == kind)
    m = cls(task=lib.karat_model_shape(model).decode()) if cls is LinearText else cls()
    m._model = model
    m.labels = [lib.karat_model_label(model, i).decode() for i in range(lib.karat_model_n_labels(model))]
    return m
