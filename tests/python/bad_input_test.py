"""What cannot be, for every kind of answer: each is refused with a KaratError that says what and where, or has the answer said here. Never
another exception, never the end of the interpreter. The same table for the program is tests/cli/bad_input_test.py."""
import _numpy  # noqa: F401
import math

import numpy as np
import karat

NAN = math.nan
SET, TEXT, MASK, TAGS, WAY = ["a", "b"], "a b", np.array([[0, 1], [1, 0]]), ["O", "B-x"], "a/b"
BOX, SPAN, POLYGON, POINTS = ("cat", (0, 0, 5, 5)), ("cat", (0, 5)), ("cat", [[0, 0], [5, 0], [5, 5]]), ("p", [[1, 1, 2], [3, 3, 2]])
ONCE = {karat.merge_label_sets: SET, karat.merge_answer_texts: TEXT, karat.merge_answer_masks: MASK, karat.merge_sequences: TAGS, karat.merge_taxonomy: WAY,
        karat.merge_numbers: 3.5, karat.aggregate: "x"}
REGIONS = {karat.merge_boxes: BOX, karat.merge_spans: SPAN, karat.merge_segments: SPAN, karat.merge_polygons: POLYGON, karat.merge_keypoints: POINTS}


def refused(words, f, *args, **kw):
    try:
        got = f(*args, **kw)
    except karat.KaratError as e:
        assert words in str(e), (f.__name__, words, str(e))
        return
    raise AssertionError(f"{f.__name__} took {args} {kw}: {got}")


def every_kind():
    for f, one in {**ONCE, **{k: [v] for k, v in REGIONS.items()}}.items():
        assert not len(f([]).sources), f  # nothing at all is an empty answer
        lonely = f([("1", "ann", one), ("2", "ann", one)])
        assert list(lonely.sources) == ["ann"], f
        same = f([(i, s, one) for i in range(3) for s in "abc"])  # everybody says the same
        assert len(same.sources) == 3, f
        refused("triples", f, [("1", "ann")])
    for f, r in REGIONS.items():
        assert f([("1", "ann", [])]).regions == [] and len(f([("1", "ann", []), ("1", "bob", [r])]).regions) == 1
        refused("has answered", f, [("1", "ann", [r]), ("1", "ann", [r])])
        refused("label and place", f, [("1", "ann", [r + (1,)])])
        bad = np.array(r[1], dtype=float)
        bad.flat[0] = NAN
        refused("nan is no place", f, [("1", "ann", [(r[0], bad)])])
        bad.flat[0] = math.inf
        refused("inf is no place", f, [("1", "ann", [(r[0], bad)])])
        refused("", f, [("1", "ann", [(r[0], np.array(r[1], dtype=float).ravel()[:-1])])])  # a number short
    for f in (karat.merge_label_sets, karat.merge_answer_texts, karat.merge_answer_masks, karat.merge_sequences):
        refused("answer 1 is None", f, [("1", "ann", ONCE[f]), ("1", "bob", None)])


def abstentions():
    assert karat.aggregate([("1", "ann", None), ("2", "ann", NAN)]).label == [None, None]
    assert karat.merge_taxonomy([("1", "ann", None)]).label == [None]
    got = karat.merge_numbers([("1", "ann", 1.0), ("1", "bob", None), ("2", "bob", None)])
    assert got.value[0] == 1 and math.isnan(got.value[1]) and got.votes.tolist() == [1, 0]
    assert karat.merge_label_sets([("1", "ann", []), ("1", "bob", [])]).to_dict() == {"1": []}
    assert karat.krippendorff_alpha(np.full((3, 4), NAN)) is None and karat.krippendorff_alpha([[1, 2, 3]]) is None
    assert karat.agree([("1", "a", None)], "fleiss_kappa").value is None


def numbers_and_shapes():
    refused("finite", karat.merge_numbers, [("1", "ann", NAN)])
    refused("finite", karat.merge_numbers, [("1", "ann", math.inf)])
    refused("shape", karat.merge_numbers, [1, 2], [1, 2], [1.0])
    refused("tags", karat.merge_sequences, [("1", "ann", ["O"]), ("1", "bob", ["O", "O"])])
    refused("", karat.merge_sequences, [("1", "ann", ["Q-x"])])
    refused("shape", karat.merge_answer_masks, [("1", "ann", [[0, 1]]), ("1", "bob", [[0], [1]])])
    refused("not one of", karat.aggregate, [("1", "ann", "z")], labels=["x"])
    refused("not one of", karat.merge_label_sets, [("1", "ann", ["z"])], labels=["x"])
    refused("", karat.merge_taxonomy, [("1", "ann", "cow")], parents={"cat": None})
    refused("", karat.merge_taxonomy, [("1", "ann", "a")], parents={"a": "b", "b": "a"})
    for bad, words in ((np.array([[NAN, .5], [.5, .5]]), "nan"), (np.array([[math.inf, .5], [.5, .5]]), "inf"), (np.array([[.9, .5], [.5, .5]]), "sum to 1.4"),
                       (np.array([[-.5, 1.5], [.5, .5]]), "-0.5"), (np.full((3, 2), .5), "shape")):
        refused(words, karat.find_label_issues, [0, 1], bad)
        refused(words, karat.get_label_quality_scores, [0, 1], bad)
        refused("shape" if words == "shape" else "", karat.aggregate, [("1", "a", "x"), ("2", "a", "y")], probs=bad)
    refused("label 7 of 2", karat.find_label_issues, [0, 7], np.full((2, 2), .5))
    assert karat.find_label_issues([], np.zeros((0, 2))).tolist() == []
    refused("shape", karat.score_classes, [0, 1], [0])
    assert karat.score_classes([], [])["accuracy"] is None
    refused("expected 1", karat.votes, [1, 2], np.zeros((2, 2)), ["x", "y"])
    refused("no column", karat.votes, {"item": [1], "annotator": [1]})
    refused("missing", karat.votes, [("1", "a", "x"), (None, "a", "x")])
    refused("", karat.rank, [["a", "a"]])


def tables():
    """A dict of columns (or a DataFrame) is the same answers."""
    rows = [("1", "ann", 2.0), ("1", "bob", 4.0), ("2", "ann", 6.0)]
    columns = dict(zip(("item", "annotator", "value"), map(list, zip(*rows))))
    assert karat.merge_numbers(columns).to_dict() == karat.merge_numbers(rows).to_dict()
    boxes = {"item": [1, 1, 2], "annotator": ["a", "b", "a"], "label": ["cat", "cat", None], "x1": [0, 1, NAN], "y1": [0, 0, NAN], "x2": [9, 9, NAN], "y2": [9, 9, NAN]}
    got, want = karat.merge_boxes(boxes), karat.merge_boxes([(1, "a", [("cat", (0, 0, 9, 9))]), (1, "b", [("cat", (1, 0, 9, 9))]), (2, "a", [])])
    assert [r.at.tolist() for r in got.regions] == [r.at.tolist() for r in want.regions] and got.source_accuracy.tolist() == want.source_accuracy.tolist()
    tags = {"item": [1, 1], "worker": ["a", "b"], "tags": [["O", "B-x"], ["O", "B-x"]]}
    assert karat.merge_sequences(tags).to_dict() == {1: ["O", "B-x"]}
    refused("no column 'x1'", karat.merge_boxes, {"item": [1], "annotator": [1], "label": ["x"]})
    refused("no column 'value'", karat.merge_numbers, {"item": [1], "annotator": [1], "number": [1]})
    refused("answer 1 is missing", karat.merge_answer_texts, {"item": [1, 1], "annotator": ["a", "b"], "text": ["x", NAN]})
    try:
        import pandas
    except ImportError:
        print("skipped: pandas data frames (no pandas)")
        return
    frame = pandas.DataFrame(rows, columns=["item", "worker", "value"])
    assert karat.merge_numbers(frame).to_dict() == karat.merge_numbers(rows).to_dict()
    votes = pandas.DataFrame([(i, s, "xy"[i % 2]) for i in range(9) for s in "abc"], columns=["task", "worker", "label"])
    people = karat.aggregate(votes).source_frame()
    assert list(people.columns) == ["accuracy", "low", "high"] and list(people.index) == ["a", "b", "c"] and (people.low <= people.accuracy).all()
    ratings = votes.assign(label=(votes.label == "x") * 1.0).pivot(index="worker", columns="task", values="label")
    assert karat.krippendorff_alpha(ratings) == 1
    assert karat.krippendorff_alpha(votes) == 1


for test in (every_kind, abstentions, numbers_and_shapes, tables):
    test()
    print(test.__name__, "ok")
