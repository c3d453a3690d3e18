"""Merging answers that are not labels out of a few: numbers, sets of labels, regions, trees, tags, texts, masks, rankings."""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ._lib import CLabelSets, CRegions, CSequences, MergeOptions, array, at, call, context, lib, refuse
from ._lib import settings as _settings
from ._votes import _numbered
from ._votes import answers as _table_answers
from ._votes import columns as _columns
from ._votes import is_table as _is_table
from ._votes import votes as _votes

__all__ = ["MergedNumbers", "MergedSets", "MergedRegions", "Region", "merge_numbers", "merge_label_sets", "merge_spans", "merge_segments", "merge_boxes",
           "merge_polygons", "merge_keypoints", "MergedTaxonomy", "merge_taxonomy", "MergedSequences", "TokenSpan", "merge_sequences",
           "MergedTexts", "merge_answer_texts", "MergedMasks", "merge_answer_masks", "MergedRankings", "merge_rankings"]


class _Merged:
    """A karat_merged: arrays by name, copied."""

    def __init__(self, pointer: c.c_void_p):
        self._p = pointer

    def __enter__(self) -> "_Merged":
        return self

    def __exit__(self, *_: Any) -> None:
        lib.karat_merged_free(self._p)

    def get(self, name: str, *shape: int) -> np.ndarray:
        n = c.c_size_t()
        p = lib.karat_merged_get(self._p, name.encode(), c.byref(n))
        a = np.frombuffer((c.c_double * n.value).from_address(p)).copy() if p and n.value else np.empty(0)
        return a.reshape(shape) if shape else a

    def ids(self, name: str) -> np.ndarray:
        return self.get(name).astype(np.int64)


def _options(options: Dict[str, Any]) -> MergeOptions:
    text, n = _settings(options)
    return MergeOptions(c.sizeof(MergeOptions), text, n)


def _triples(answers: Any, what: str, names: Sequence[str], abstains: bool = False) -> "Tuple[List[Any], List[Any], List[Any]]":
    """Items, sources, answers: of triples, or of a DataFrame or dict of columns. abstains: no answer (None) is left out, its item and source
    stay known."""
    if _is_table(answers):
        item, source, answer = _table_answers(answers, names)
        if not abstains:
            missing = [n for n, a in enumerate(answer) if a is None or (isinstance(a, float) and a != a)]
            if missing:
                raise refuse(f"answer {missing[0]} is missing")
        return item, source, answer
    rows = list(answers)
    if any(len(r) != 3 for r in rows):
        raise refuse(f"{what} are triples: item, source, answer")
    if not abstains and any(r[2] is None for r in rows):
        raise refuse(f"answer {[r[2] is None for r in rows].index(True)} is None")
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]


def _names(x: List[Any]) -> "tuple[np.ndarray, list]":
    """Numbers by first appearance, and the names."""
    known: Dict[Any, int] = {}
    return np.array([known.setdefault(v, len(known)) for v in x], dtype=np.uint32), list(known)


@dataclass
class MergedNumbers:
    """One number an item with its 95 % interval, and what is known of every source: bias (its numbers are too high by), sd (spread of its
    errors around that), each with a 95 % interval. `method` says which rule predicted votes best: mean, precision, median."""

    items: List[Any]
    sources: List[Any]
    value: np.ndarray
    value_ci: np.ndarray
    votes: np.ndarray
    bias: np.ndarray
    bias_ci: np.ndarray
    sd: np.ndarray
    sd_ci: np.ndarray
    source_votes: np.ndarray
    held_out: float
    robust: float
    method: str

    def to_dict(self) -> Dict[Any, float]:
        """item → value"""
        return dict(zip(self.items, self.value.tolist()))


def merge_numbers(item: Any, source: Any = None, value: Any = None, **options: Any) -> MergedNumbers:
    """Merges numbers: (item, source, value) triples, a DataFrame with these columns, or three sequences; None abstains. Options as `karat list aggregators` names them under numeric:
    method, bias, robust, n_iter, shrink.

    >>> merge_numbers([("a", "ann", 1.0), ("a", "bob", 3.0)], method="mean").to_dict()
    {'a': 2.0}
    """
    if source is None and value is None:
        item, source, value = _triples(item, "numbers", ("value", "label", "vote", "answer", "score"), abstains=True)
    items, item_names = _numbered(item, "item")
    sources, source_names = _numbered(source, "source")
    i, s = array(items, np.uint32, "item"), array(sources, np.uint32, "source")
    if s.shape != i.shape:
        raise refuse(f"item has shape {i.shape}, source {s.shape}")
    if isinstance(value, list) and any(x is None for x in value) and len(value) == len(i):
        said = np.array([x is not None for x in value])
        i, s, value = i[said], s[said], [x for x in value if x is not None]
    v = array(value, np.float64, "value", i.shape)
    p, o = c.c_void_p(), _options(options)
    call("karat_merge_numbers", at(i), at(s), at(v), len(v), len(item_names), len(source_names), c.byref(o), c.byref(p))
    with _Merged(p) as m:
        return MergedNumbers(item_names, source_names, m.get("value"), m.get("value_ci", -1, 2), m.ids("votes"), m.get("bias"), m.get("bias_ci", -1, 2),
                             m.get("sd"), m.get("sd_ci", -1, 2), m.ids("source_votes"), float(m.get("held_out")[0]), float(m.get("robust")[0]),
                             ("auto", "precision", "mean", "median")[int(m.get("method")[0])])


@dataclass
class MergedSets:
    """`probs`: items × labels, chance that the label belongs to the item; `votes_for` of `votes` answers named it; `share` of the items have
    it. `source_accuracy` over the labels, those often uncertain counting more, with 95 % intervals."""

    items: List[Any]
    labels: List[Any]
    sources: List[Any]
    probs: np.ndarray
    votes_for: np.ndarray
    votes: np.ndarray
    share: np.ndarray
    source_accuracy: np.ndarray
    source_ci: np.ndarray

    def to_dict(self, threshold: float = 0.5) -> Dict[Any, List[Any]]:
        """item → its labels"""
        return {i: [l for l, p in zip(self.labels, row) if p > threshold] for i, row in zip(self.items, self.probs.tolist())}


def merge_label_sets(answers: Iterable[Sequence[Any]], method: str = "auto", labels: Optional[Sequence[Any]] = None) -> MergedSets:
    """Merges sets of labels, (item, source, labels) triples; an empty set is an answer too. Every label is merged by itself.

    >>> merge_label_sets([(1, "a", ["x", "y"]), (1, "b", ["x"]), (1, "c", ["x"])], "majority").to_dict()
    {1: ['x']}
    """
    item, source, sets = _triples(answers, "answers", ("labels", "label", "tags"))
    if any(isinstance(x, str) for x in sets):
        raise refuse("an answer is a list of labels, not a text")
    items, item_names = _names(item)
    sources, source_names = _names(source)
    known = {l: k for k, l in enumerate(labels if labels is not None else sorted({l for x in sets for l in x}, key=lambda l: (str(type(l)), l)))}
    unknown = [l for x in sets for l in x if l not in known]
    if unknown:
        raise refuse(f"label {unknown[0]!r} is not one of the {len(known)} given")
    ids = [sorted({known[l] for l in x}) for x in sets]
    start = np.zeros(len(ids) + 1, np.uintp)
    start[1:] = np.cumsum([len(x) for x in ids])
    flat = np.array([l for x in ids for l in x], np.uint32)
    v = CLabelSets(len(ids), len(item_names), len(source_names), len(known), at(items), at(sources), at(start), at(flat))
    p = c.c_void_p()
    call("karat_merge_sets", context, c.byref(v), method.encode(), c.byref(p))
    with _Merged(p) as m:
        shape = (len(item_names), len(known))
        return MergedSets(item_names, list(known), source_names, m.get("prob", *shape), m.get("votes_for", *shape).astype(np.int64), m.ids("votes"),
                          m.get("share"), m.get("source_accuracy"), m.get("source_ci", -1, 2))


@dataclass
class Region:
    """A merged region. `at`: (start, end), (x1, y1, x2, y2), corners × 2, or points × 3 (x, y, seen). `there`: chance that it is there;
    `label_posterior`: that it has this label if so; drawn by `votes_for` of `looked` sources; `kept`: there >= 1/2. `seen`: keypoints ×
    (not there, hidden, seen)."""

    item: Any
    label: Any
    at: np.ndarray
    there: float
    label_posterior: float
    votes_for: int
    looked: int
    kept: bool
    seen: Optional[np.ndarray] = None


@dataclass
class MergedRegions:
    """Regions item by item, and of every source its accuracy (of saying what a region is, or that there is none) and the spread of its
    edges as a share of the region's size, with 95 % intervals."""

    regions: List[Region]
    sources: List[Any]
    source_accuracy: np.ndarray
    source_ci: np.ndarray
    source_sd: np.ndarray
    source_sd_ci: np.ndarray

    def kept(self) -> List[Region]:
        """Those that are likelier there than not."""
        return [r for r in self.regions if r.kept]


_PLACES = {"spans": (("start", "begin", "from"), ("end", "stop", "to")), "polygons": (("polygon", "outline", "points"),), "keypoints": (("keypoints", "points"),),
           "boxes": (("x1", "xmin", "left"), ("y1", "ymin", "top"), ("x2", "xmax", "right"), ("y2", "ymax", "bottom"))}


def _rows_of_regions(kind: str, table: Any) -> "Tuple[List[Any], List[Any], List[Any]]":
    """A row a region; a row without a label says that the source looked and saw nothing."""
    item, source, label = _table_answers(table, ("label", "class", "category"))
    place = list(zip(*(list(x) for x in _columns(table, *_PLACES[kind]))))
    found: Dict[Tuple[Any, Any], List[Any]] = {}
    for i, s, l, at_ in zip(item, source, label, place):
        regions = found.setdefault((i, s), [])
        if l is not None and l == l and l != "":
            regions.append((l, at_ if len(at_) > 1 else at_[0]))
    return [i for i, _ in found], [s for _, s in found], list(found.values())


def _merge_regions(kind: str, answers: Iterable[Sequence[Any]], columns: Optional[int], options: Dict[str, Any]) -> MergedRegions:
    item, source, drawn = _rows_of_regions(kind, answers) if _is_table(answers) else _triples(answers, "answers", ())
    items, item_names = _names(item)
    sources, source_names = _names(source)
    seen: Dict[Any, int] = {}
    for n, pair in enumerate(zip(items.tolist(), sources.tolist())):
        if seen.setdefault(pair, n) != n:
            raise refuse(f"answer {n}: {source[n]!r} has answered {item[n]!r} before; all regions of an answer stand in one list")
    answer, label, start, numbers = [], [], [0], []
    for n, regions in enumerate(drawn):
        for r in regions:
            if len(r) != 2:
                raise refuse(f"answer {n}: a region is a pair, label and place")
            place = array(r[1], np.float64, f"answer {n}: a place").ravel()
            answer.append(n)
            label.append(r[0])
            numbers.append(place)
            start.append(start[-1] + len(place))
    labels, label_names = _names(label)
    a, l, s = np.array(answer, np.uintp), labels.astype(np.int32), np.array(start, np.uintp)
    x = np.concatenate(numbers) if numbers else np.empty(0)
    v = CRegions(len(items), len(item_names), len(source_names), len(label_names), at(items), at(sources), len(a), at(a), at(l), at(s), at(x))
    p, o = c.c_void_p(), _options(options)
    call("karat_merge_regions", context, kind.encode(), c.byref(v), c.byref(o), c.byref(p))
    with _Merged(p) as m:
        where, begin = m.get("at"), m.ids("start")
        points = m.get("seen", -1, 3) if kind == "keypoints" else None
        found = []
        for g, row in enumerate(zip(m.ids("item").tolist(), m.ids("label").tolist(), m.get("there").tolist(), m.get("label_posterior").tolist(),
                                    m.ids("votes_for").tolist(), m.ids("looked").tolist(), m.get("kept").tolist())):
            place = where[begin[g]:begin[g + 1]]
            found.append(Region(item_names[row[0]], label_names[row[1]], place.reshape(-1, columns) if columns else place, row[2], row[3], row[4], row[5], row[6] > 0,
                                None if points is None else points[begin[g] // 3:begin[g + 1] // 3]))
        return MergedRegions(found, source_names, m.get("source_accuracy"), m.get("source_ci", -1, 2), m.get("source_sd"), m.get("source_sd_ci", -1, 2))


def merge_spans(answers: Iterable[Sequence[Any]], **options: Any) -> MergedRegions:
    """Merges spans of text: (item, source, [(label, (start, end)), …]); an empty list says that the source looked and saw nothing. Those that
    overlap (option `overlap`, intersection over union) are one; whether it is there and as what is decided from who drew it, and from who
    did not. merge_sequences knows more about borders. A DataFrame has a row a region, with item, annotator, label, start and end; no label:
    looked and saw nothing.

    >>> merge_spans([("t", "a", [("city", (0, 6))]), ("t", "b", [("city", (0, 6))]), ("t", "c", [])]).kept()[0].at.round().tolist()
    [0.0, 6.0]
    """
    return _merge_regions("spans", answers, None, options)


def merge_segments(answers: Iterable[Sequence[Any]], **options: Any) -> MergedRegions:
    """Merges segments in time, (item, source, [(label, (start_s, end_s)), …]), as merge_spans."""
    return _merge_regions("spans", answers, None, options)


def merge_boxes(answers: Iterable[Sequence[Any]], **options: Any) -> MergedRegions:
    """Merges boxes, (item, source, [(label, (x1, y1, x2, y2)), …]), edges weighed by the sources' precision; or a
    DataFrame with item, annotator, label, x1, y1, x2, y2."""
    return _merge_regions("boxes", answers, None, options)


def merge_polygons(answers: Iterable[Sequence[Any]], **options: Any) -> MergedRegions:
    """Merges outlines, (item, source, [(label, corners × 2), …]): the mean border, weighed by the sources' precision, a simple polygon."""
    return _merge_regions("polygons", answers, 2, options)


def merge_keypoints(answers: Iterable[Sequence[Any]], **options: Any) -> MergedRegions:
    """Merges skeletons, (item, source, [(label, points × (x, y, seen)), …]), seen 0 not there, 1 hidden, 2 seen, as COCO. Options: overlap
    (least object keypoint similarity), sigma."""
    return _merge_regions("keypoints", answers, 3, options)


@dataclass
class MergedTaxonomy:
    """`label`: of each item the deepest node whose posterior reaches the target (None: not even a root, or no votes), with its `posterior`:
    the chance that the truth is that node or below it; `deepest`: the likeliest node all the way down. Of `votes`, `votes_for` name the
    label or what is below it, `votes_above` a node above. `nodes`: item → {node: posterior} of what votes name or pass.
    `level_accuracy` (sources × levels): of choosing right on a level, having been right above; all with 95 % intervals."""

    items: List[Any]
    sources: List[Any]
    label: List[Any]
    posterior: np.ndarray
    deepest: List[Any]
    votes: np.ndarray
    votes_for: np.ndarray
    votes_above: np.ndarray
    nodes: Dict[Any, Dict[Any, float]]
    share: Dict[Any, float]
    source_accuracy: np.ndarray
    source_ci: np.ndarray
    level_accuracy: np.ndarray
    level_ci: np.ndarray
    level_votes: np.ndarray

    def to_dict(self) -> Dict[Any, Any]:
        """item → label"""
        return dict(zip(self.items, self.label))


def _tree_of_ways(labels: Iterable[Any]) -> Dict[str, Optional[str]]:
    tree: Dict[str, Optional[str]] = {}
    for way in labels:
        if not isinstance(way, str):
            raise refuse(f"label {way!r} is not a way a/b/c; parents={{child: parent}} takes any labels")
        parts = way.split("/")
        for n in range(len(parts)):
            tree["/".join(parts[:n + 1])] = "/".join(parts[:n]) if n else None
    return tree


def merge_taxonomy(votes: Any, parents: Optional[Mapping[Any, Any]] = None, **options: Any) -> MergedTaxonomy:
    """Merges votes (see `karat.votes`) whose labels are nodes of a tree. parents: child → parent (None: a root), else labels are ways
    "a/b/c" from a root down. Sources may answer at any depth: a vote for an inner node is evidence for all its leaves. Options:
    target (0.8), pull, n_iter.

    >>> r = merge_taxonomy([(1, "a", "animal/cat"), (1, "b", "animal/dog"), (1, "c", "animal"), (2, "a", "car"), (2, "c", "car")], target=0.7)
    >>> r.to_dict()
    {1: 'animal', 2: 'car'}
    """
    v = _votes(votes)
    tree = dict(_tree_of_ways(v.labels) if parents is None else parents)
    for child, parent in list(tree.items()):
        if parent is not None:
            tree.setdefault(parent, None)
    unknown = [l for l in v.labels if l not in tree]
    if unknown:
        raise refuse(f"label {unknown[0]!r} is not in the tree")
    place = {node: k for k, node in enumerate(tree)}
    up = np.array([-1 if p is None else place[p] for p in tree.values()], dtype=np.int32)
    ids = np.array([place[l] for l in v.labels] + [-1], dtype=np.int32)[v.label]
    cv = v._c
    cv.n_labels, cv.label = len(tree), at(ids)
    p, o = c.c_void_p(), _options(options)
    call("karat_merge_taxonomy", context, c.byref(cv), at(up), c.byref(o), c.byref(p))
    names = list(tree) + [None]
    with _Merged(p) as m:
        start, node, prob = m.ids("start"), m.ids("node").tolist(), m.get("node_posterior").tolist()
        nodes = {item: {names[k]: q for k, q in zip(node[start[i]:start[i + 1]], prob[start[i]:start[i + 1]])} for i, item in enumerate(v.items)}
        shape = (len(v.sources), -1) if len(v.sources) else (0, 0)
        return MergedTaxonomy(v.items, v.sources, [names[k] for k in m.ids("label").tolist()], m.get("posterior"), [names[k] for k in m.ids("deepest").tolist()],
                              m.ids("votes"), m.ids("votes_for"), m.ids("votes_above"), nodes, dict(zip(tree, m.get("share").tolist())), m.get("source_accuracy"),
                              m.get("source_ci", -1, 2), m.get("level_accuracy", *shape), m.get("level_ci").reshape(*shape, 2) if len(v.sources) else np.empty((0, 0, 2)),
                              m.get("level_votes", *shape))


@dataclass
class TokenSpan:
    """A span of tokens from .. to - 1. posterior: chance of exactly these tokens and this type; `votes_for` of `looked` sources drew just it."""

    type: str
    start: int
    end: int
    posterior: float
    votes_for: int
    looked: int


@dataclass
class MergedSequences:
    """Of every item its `tags` (valid BIO), `probs` (tokens × `tag_names`, rows sum to 1) and `spans`. source_accuracy: of the tokens on which
    a source's tag or the truth is not O, the share it has right, with 95 % intervals."""

    items: List[Any]
    sources: List[Any]
    tag_names: List[str]
    tags: List[List[str]]
    probs: List[np.ndarray]
    spans: List[List[TokenSpan]]
    source_accuracy: np.ndarray
    source_ci: np.ndarray

    def to_dict(self) -> Dict[Any, List[str]]:
        """item → tags"""
        return dict(zip(self.items, self.tags))


def _tag_ids(tags: Sequence[str], types: Dict[str, int]) -> List[int]:
    ids = []
    for t in tags:
        if t == "O":
            ids.append(0)
        elif isinstance(t, str) and len(t) > 2 and t[0] in "BI" and t[1] == "-":
            ids.append(1 + 2 * types.setdefault(t[2:], len(types)) + (t[0] == "I"))
        else:
            raise refuse(f"{t!r} is no tag", "tags are O, B-type and I-type")
    return ids


def merge_sequences(answers: Iterable[Sequence[Any]], **options: Any) -> MergedSequences:
    """Merges tags of tokens, (item, source, ["O", "B-city", "I-city", …]) triples: a hidden Markov model of the spans and of every source's
    slips at their borders. What comes out is always valid BIO. Options: n_iter, pull.

    >>> merge_sequences([(1, "a", ["B-x", "I-x", "O"]), (1, "b", ["B-x", "I-x", "O"]), (1, "c", ["O", "B-x", "O"])]).to_dict()
    {1: ['B-x', 'I-x', 'O']}
    """
    item, source, said = _triples(answers, "answers", ("tags", "labels", "sequence"))
    items, item_names = _names(item)
    sources, source_names = _names(source)
    types: Dict[str, int] = {}
    tags, at_, lengths = [], np.zeros(len(said), np.uintp), {}
    for n, (i, x) in enumerate(zip(items.tolist(), said)):
        if lengths.setdefault(i, len(x)) != len(x):
            raise refuse(f"answer {n} has {len(x)} tags, the first one for {item[n]!r} has {lengths[i]}")
        at_[n] = len(tags)
        tags += _tag_ids(x, types)
    flat, length = np.array(tags, np.int32), np.array([lengths[i] for i in range(len(item_names))], np.uintp)
    v = CSequences(len(item_names), len(source_names), len(types), at(length), len(said), at(items), at(sources), at(at_), at(flat), len(flat))
    p, o = c.c_void_p(), _options(options)
    call("karat_merge_sequences", context, c.byref(v), c.byref(o), c.byref(p))
    names = ["O"] + [f"{b}-{t}" for t in types for b in "BI"]
    with _Merged(p) as m:
        start, tag, prob = m.ids("start"), m.ids("tag").tolist(), m.get("prob").reshape(-1, len(names))
        spans: List[List[TokenSpan]] = [[] for _ in item_names]
        columns = [m.get("span_" + x).tolist() for x in ("sequence", "type", "from", "to", "posterior", "votes_for", "looked")]
        kinds = list(types)
        for i, t, first, last, posterior, n_for, looked in zip(*columns):
            spans[int(i)].append(TokenSpan(kinds[int(t)], int(first), int(last), posterior, int(n_for), int(looked)))
        return MergedSequences(item_names, source_names, names, [[names[k] for k in tag[start[i]:start[i + 1]]] for i in range(len(item_names))],
                               [prob[start[i]:start[i + 1]] for i in range(len(item_names))], spans, m.get("source_accuracy"), m.get("source_ci", -1, 2))


@dataclass
class MergedTexts:
    """One text an item; `agreement` and (rover) `word_shares`: how many of the sources are behind it and each of its words. `source_accuracy`:
    mean share of the true text that the source is expected to have (medoid: 1 - mean distance to the others), with 95 % intervals."""

    items: List[Any]
    sources: List[Any]
    texts: List[str]
    agreement: np.ndarray
    word_shares: Optional[List[np.ndarray]]
    votes: np.ndarray
    source_accuracy: np.ndarray
    source_ci: np.ndarray
    source_votes: np.ndarray

    def to_dict(self) -> Dict[Any, str]:
        """item → text"""
        return dict(zip(self.items, self.texts))


def merge_answer_texts(answers: Iterable[Sequence[Any]], method: str = "rover") -> MergedTexts:
    """Merges texts, (item, source, text) triples: word by word ("rover") or the one nearest to all others ("medoid").

    >>> merge_answer_texts([(1, "a", "the cat sat"), (1, "b", "the cat sat"), (1, "c", "a cat sat")]).to_dict()
    {1: 'the cat sat'}
    """
    item, source, said = _triples(answers, "answers", ("text", "output", "answer", "label"))
    if any(not isinstance(t, str) or "\0" in t for t in said):
        raise refuse("a text is a str without NUL")
    items, item_names = _names(item)
    sources, source_names = _names(source)
    texts = (c.c_char_p * max(len(said), 1))(*(t.encode() for t in said))
    p = c.c_void_p()
    call("karat_merge_answer_texts", at(items), at(sources), texts, len(said), len(item_names), len(source_names), method.encode(), c.byref(p))
    with _Merged(p) as m:
        start, share = m.ids("start"), m.get("word_share")
        merged = [(lib.karat_merged_text(m._p, i) or b"").decode() for i in range(len(item_names))]
        return MergedTexts(item_names, source_names, merged, m.get("agreement"), [share[a:b] for a, b in zip(start, start[1:])] if len(start) else None,
                           m.ids("votes"), m.get("source_accuracy"), m.get("source_ci", -1, 2), m.ids("source_votes"))


@dataclass
class MergedMasks:
    """One mask an item (items × …) and the probability of each pixel. `agreement`: mean intersection over union of the given masks with
    the merged one; `source_accuracy`: the same with the truth, as it is expected, with 95 % intervals."""

    items: List[Any]
    sources: List[Any]
    masks: np.ndarray
    probs: np.ndarray
    agreement: np.ndarray
    votes: np.ndarray
    source_accuracy: np.ndarray
    source_ci: np.ndarray
    source_votes: np.ndarray


def merge_answer_masks(answers: Iterable[Sequence[Any]], n_iter: int = 0) -> MergedMasks:
    """Merges masks of one shape, (item, source, mask) triples: the majority of every pixel, or n_iter rounds of EM with a quality for each source.

    >>> merge_answer_masks([(1, "a", [1, 1, 0]), (1, "b", [1, 0, 0]), (1, "c", [1, 1, 0])]).masks.tolist()
    [[True, True, False]]
    """
    item, source, said = _triples(answers, "answers", ("mask", "segmentation", "label"))
    masks = [np.asarray(x) for x in said]
    for n, x in enumerate(masks):
        if x.shape != masks[0].shape:
            raise refuse(f"answer {n}: a mask of shape {x.shape} beside one of {masks[0].shape}; all must have one shape")
    given = array(np.stack(masks) != 0, np.uint8, "masks") if masks else np.zeros((0, 0), np.uint8)
    if given.ndim < 2:
        raise refuse(f"masks have {given.ndim - 1} dimensions, expected at least one; all must have one shape")
    items, item_names = _names(item)
    sources, source_names = _names(source)
    p, shape = c.c_void_p(), (len(item_names), *given.shape[1:])
    call("karat_merge_answer_masks", at(items), at(sources), at(given), len(said), int(np.prod(given.shape[1:])), len(item_names), len(source_names), n_iter, c.byref(p))
    with _Merged(p) as m:
        return MergedMasks(item_names, source_names, m.get("mask", *shape) > 0.5, m.get("prob", *shape), m.get("agreement"), m.ids("votes"),
                           m.get("source_accuracy"), m.get("source_ci", -1, 2), m.ids("source_votes"))


@dataclass
class MergedRankings:
    """A strength for each thing (sum 1; P(a before b) = strength a / (strength a + strength b)) with its 95 % interval. `comparable`: everything stands
    above and below something else. `source_accuracy`: share of the neighbours in a source's rankings that stand in the strengths' order."""

    things: List[Any]
    sources: List[Any]
    strength: np.ndarray
    strength_ci: np.ndarray
    won: np.ndarray
    compared: np.ndarray
    comparable: bool
    source_accuracy: np.ndarray
    source_ci: np.ndarray
    source_votes: np.ndarray

    def to_dict(self) -> Dict[Any, float]:
        """thing → strength"""
        return dict(zip(self.things, self.strength.tolist()))


def merge_rankings(rankings: Iterable[Sequence[Any]], **options: Any) -> MergedRankings:
    """Strengths from (source, things from best to worst) pairs (Plackett and Luce); a comparison is (source, [winner, loser]) (Bradley and Terry).
    Option: prior.

    >>> merge_rankings([("a", "xyz"), ("b", "xzy"), ("c", "yxz"), ("c", "zxy")]).things
    ['x', 'y', 'z']
    """
    rows = list(rankings)
    if any(len(r) != 2 for r in rows):
        raise refuse("rankings are pairs: source, things from best to worst")
    sources, source_names = _names([r[0] for r in rows])
    thing, thing_names = _names([t for r in rows for t in r[1]])
    start = np.zeros(len(rows) + 1, dtype=np.uintp)
    start[1:] = np.cumsum([len(r[1]) for r in rows])
    p, o = c.c_void_p(), _options(options)
    call("karat_merge_rankings", at(start), at(thing), at(sources), len(rows), len(thing_names), len(source_names), c.byref(o), c.byref(p))
    with _Merged(p) as m:
        return MergedRankings(thing_names, source_names, m.get("strength"), m.get("strength_ci", -1, 2), m.ids("won"), m.ids("compared"),
                              bool(m.get("comparable")[0]), m.get("source_accuracy"), m.get("source_ci", -1, 2), m.ids("source_votes"))
