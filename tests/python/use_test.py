"""The Python package as people use it: every way to give votes, bad input, threads, arrays in place. Checked against definitions
worked out by hand, and against the same call given in another form."""
import _numpy  # noqa: F401
import doctest, os, threading, time

import numpy as np
import karat
import karat._votes

ROWS = [("a", "ann", "cat"), ("a", "bob", "cat"), ("b", "ann", "dog"), ("b", "bob", "cat"), ("b", "eve", "dog"), ("c", "eve", None), ("c", "bob", "dog")]


def refused(code, f, *args, **kw):
    try:
        f(*args, **kw)
    except karat.KaratError as e:
        assert e.code == code, (e.code, str(e))
        assert isinstance(e, ValueError)
        return str(e)
    raise AssertionError(f"{f} took {args} {kw}")


def ways_to_give_votes():
    v = karat.votes(ROWS)
    assert (v.items, v.sources, v.labels) == (["a", "b", "c"], ["ann", "bob", "eve"], ["cat", "dog"]), v
    assert v.label.tolist() == [0, 0, 1, 0, 1, -1, 1] and len(v) == 7 and "7 on 3 items" in repr(v)
    columns = {k: [r[i] for r in ROWS] for i, k in enumerate(("task", "worker", "label"))}
    first = karat.aggregate(ROWS, "majority")
    for other in (v, columns, list(ROWS)):
        assert karat.aggregate(other, "majority").probs.tolist() == first.probs.tolist()
    assert first.label == ["cat", "dog", "dog"] and first.to_dict()["b"] == "dog"
    assert karat.votes(columns["task"], columns["worker"], columns["label"]).labels == ["cat", "dog"]
    assert karat.votes(ROWS, labels=["dog", "cat", "cow"]).labels == ["dog", "cat", "cow"]
    numbers = karat.votes(np.array([7, 7, 3]), np.array([0, 1, 0]), np.array([1, 2, 2]))
    assert (numbers.items, numbers.item.tolist(), numbers.labels) == ([3, 7], [1, 1, 0], [1, 2])
    far = karat.votes(np.array([10**15, 5]), np.array([0, 0]), np.array([0, 1]))
    assert far.items == [5, 10**15]
    try:
        import pandas
    except ImportError:
        print("skipped: votes from a DataFrame (no pandas)")
        return
    frame = pandas.DataFrame(columns)
    assert karat.aggregate(frame, "majority").probs.tolist() == first.probs.tolist()
    assert karat.dawid_skene(frame).to_frame().loc["a", "cat"] > 0.5


def routing_by_definition():
    rng = np.random.default_rng(5)
    score, t = rng.random(4000), rng.random(700)
    right = rng.random(700) >= 0.3 * (1 - t) ** 2
    r = karat.threshold(score, t, right, budget=0.05)
    above = t.astype(np.float32) >= np.float32(r["score"])
    assert r["found"] and r["upper"] <= 0.05 and r["n_trusted"] == above.sum() and r["n_wrong"] == (above & ~right).sum(), r
    assert r["approve"].sum() == r["n_approved"] > 1000
    c = karat.conformal_select(score, t, right, budget=0.05)
    wrong = np.sort(t[~right])
    p = (1 + len(wrong) - np.searchsorted(wrong, score)) / 701
    assert np.allclose(c["p_values"], p)
    k = (np.sort(p) <= 0.05 * np.arange(1, 4001) / 4000).nonzero()[0].max() + 1
    assert c["n_approved"] == c["approve"].sum() == k, (c["n_approved"], k)
    side, tside = np.where(score * 1000 % 2 < 1, "left", "right"), np.where(t * 1000 % 2 < 1, "left", "right")
    g = karat.threshold(score, t, right, budget={"left": 0.12, "right": 0.0001}, groups=side, trusted_groups=tside)
    assert g["groups"]["left"]["found"] and not g["groups"]["right"]["found"] and not g["approve"][side == "right"].any()
    assert g["groups"]["left"]["confidence"] == 0.95, g  # the other cannot pass, and leaves its part
    assert "no group" in refused("range", karat.threshold, score, t, right, budget={"left": 0.05}, groups=side, trusted_groups=tside)
    take = rng.random(4000) < np.where(score > 0.6, 0.2, 0.1)
    ok = rng.random(4000) >= 0.2 * (1 - score) ** 2
    w = karat.threshold(score, score[take], ok[take], budget=0.1, weights=1 / np.where(score > 0.6, 0.2, 0.1)[take], max_weight=10)
    assert w["found"] and 0 < w["upper"] <= 0.1 and w["n_approved"] > 1000, w
    low, high = karat.confidence_sequence([0, 1, 0, 0], size=4)
    assert (low[-1], high[-1]) == (0.25, 0.25) and (np.diff(low) >= 0).all() and (np.diff(high) <= 0).all()
    low, high = karat.confidence_sequence(rng.random(2000) < 0.1)
    assert 0.06 < low[-1] < 0.1 < high[-1] < 0.14, (low[-1], high[-1])
    refused("range", karat.confidence_sequence, [1, 1], size=1)
    z = 1.5 * rng.standard_normal(5000)
    s, y = 1 / (1 + np.exp(-2 * z)), rng.random(5000) < 1 / (1 + np.exp(-z))
    out, used = karat.calibrate(s, s, y, method="temperature")
    assert used == "temperature" and np.abs(out - 1 / (1 + np.exp(-z))).max() < 0.03
    assert karat.calibrate(s, s, y)[1] != "none"


def agreement_by_hand():
    r = karat.agree(ROWS, "percent")
    assert abs(r.value - 2 / 4) < 1e-12 and r.ci95[0] <= r.value <= r.ci95[1] and r.terms["p_o"] == r.value and float(r) == r.value
    assert karat.agree(ROWS, "percent", bootstrap=200, seed=3) == karat.agree(ROWS, "percent", bootstrap=200, seed=3)
    assert karat.agree_items(ROWS) == {"a": 1.0, "b": 1 / 3, "c": None}
    pairs = karat.agree_pairs(ROWS, "percent")
    assert [(p["a"], p["b"], p["items"], p["percent"]) for p in pairs] == [("ann", "bob", 2, 0.5), ("ann", "eve", 1, 1.0), ("bob", "eve", 1, 0.0)], pairs
    assert set(karat.agree_classes(ROWS)) == {"cat", "dog"}
    assert set(karat.agreement_methods()) >= {"fleiss_kappa", "icc", "kendall"} and "dawid_skene" in karat.aggregation_methods()
    # alpha of the discrete distance is nominal alpha; an error in the distance comes back out
    words = [(i, s, t) for i in range(6) for s, t in enumerate(("red", "green" if i % 3 else "red", "blue" if i == 2 else "red"))]
    same = karat.agree(words, "krippendorff_alpha").value
    assert abs(karat.krippendorff_alpha(karat.votes(words), distance=lambda a, b: a != b) - same) < 1e-12
    try:
        karat.agree(words, "krippendorff_alpha", distance=lambda a, b: 1 / 0)
        raise AssertionError("an error in a distance was swallowed")
    except ZeroDivisionError:
        pass
    assert karat.cohen_kappa(["x", "y"], ["x", "y"]) == 1.0 and karat.cohen_kappa([], []) is None and karat.cohen_kappa([1, 1], [1, 1]) is None
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])  # Shrout and Fleiss 1979
    for kind, one in (("icc1", 0.17), ("icc2", 0.29), ("icc3", 0.71)):
        assert abs(karat.icc(ratings, kind).value - one) < 0.005
    for f in (karat.pearson, karat.spearman, karat.kendall):
        assert f(np.array([[1, 2], [2, 4], [3, 6]])).value > 1 - 1e-12


def arrays_in_place():
    rng = np.random.default_rng(1)
    m = rng.integers(0, 4, (5, 3000))
    want = karat.krippendorff_alpha(m, "ordinal")
    for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64, ">i4", "<f8"):
        assert karat.krippendorff_alpha(m.astype(dtype), "ordinal") == want, dtype
    for view in (np.asfortranarray(m), np.repeat(m, 2, axis=1)[:, ::2], m[::-1][:, ::-1]):
        assert abs(karat.krippendorff_alpha(view, "ordinal") - want) < 1e-12
    holes = m.astype(float)
    holes[rng.random(m.shape) < 0.2] = np.nan
    missing = np.where(np.isnan(holes), -9, m)
    assert karat.agree_ratings(holes.T, "fleiss_kappa").value == karat.agree_ratings(missing.T, "fleiss_kappa", missing=-9).value
    a, b = rng.integers(0, 5, (2, 3000))
    kappa = karat.cohen_kappa(a.astype(float), b.astype(float))
    for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float32, bool):
        x, y = (a > 2, b > 2) if dtype is bool else (a.astype(dtype), b.astype(dtype))
        want_ = karat.cohen_kappa((a > 2).astype(float), (b > 2).astype(float)) if dtype is bool else kappa
        assert karat.cohen_kappa(x, y) == want_, dtype
        assert karat.cohen_kappa(x[::-1], y[::-1]) == want_, dtype
    for shift in (-3, -70, 1000, 10**15):  # what the first few do not foretell
        a[-1], b[-2] = shift, shift
        assert abs(karat.cohen_kappa(a, b) - karat.cohen_kappa(a.astype(str), b.astype(str))) < 1e-12, shift
    p = rng.dirichlet(np.ones(4), 500)
    y = p.argmax(1)
    y[:30] = (y[:30] + 1) % 4
    a = karat.find_label_issues(y, p)
    assert a[:30].sum() > 15 and (karat.find_label_issues(y, p.astype(np.float32)) == a).mean() > 0.99
    before = p.copy()
    karat.get_label_quality_scores(y, p)
    assert (p == before).all()


def refusals():
    refused("usage", karat.agree, ROWS, "kapa")
    refused("usage", karat.agree, ROWS, "krippendorff_alpha", level="loud")
    refused("range", karat.agree, ROWS, "pearson")
    refused("range", karat.agree, ROWS, "krippendorff_alpha", level="interval")
    refused("range", karat.votes, [("a", "b")])
    refused("range", karat.votes, {"task": [1], "who": [2], "label": [3]})
    refused("range", karat.votes, [1, 2], [1], [1, 2])
    assert "cow" in refused("range", karat.votes, [("a", "b", "cow")], labels=["cat"])
    refused("range", karat.votes, [("a", "b", "cow")], labels=["cow", "cow"])
    refused("usage", karat.aggregate, ROWS, "coin_toss")
    refused("usage", karat.aggregate, ROWS, "majority", n_iter=3)
    refused("range", karat.aggregate, ROWS, "dawid_skene", gold={"a": "zebra"})
    refused("range", karat.aggregate, ROWS, "majority", weights={"ann": 1.0})
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert "item 1" in refused("range", karat.find_label_issues, [0, 7], p)
    refused("range", karat.find_label_issues, [0], p)
    refused("range", karat.find_label_issues, [0, 0.5], p)
    refused("range", karat.find_label_issues, [0, 1], p[0])
    refused("range", karat.find_label_issues, ["a", "b"], p)
    refused("usage", karat.find_label_issues, [0, 1], p, "by_hand")
    for bad in (np.nan, np.inf, -0.1, 1.5):
        q = p.copy()
        q[1, 1] = bad
        refused("range", karat.find_label_issues, [0, 1], q)
    assert "sum to 2" in refused("range", karat.find_label_issues, [0, 1], np.ones((2, 2)))
    refused("range", karat.get_box_label_quality_scores, [{"bboxes": [[0, 0, -1, 1]], "labels": [0]}], [{"bboxes": [], "labels": [], "scores": []}])
    refused("range", karat.get_box_label_quality_scores, [], [{"bboxes": [], "labels": [], "scores": []}])
    refused("range", karat.score_classes, [0, 1], [0])
    refused("range", karat.score_classes, [0, 1], [0, -1])
    refused("range", karat.span_scores, [["O"]], [["O", "O"]])
    refused("parse", karat.span_scores, [["Z-X"]], [["O"]])
    refused("range", karat.box_iou, [[0, 0, 1, -1]], [[0, 0, 1, 1]])
    refused("range", karat.krippendorff_alpha, [[1, np.inf], [1, 2]])
    refused("range", karat.krippendorff_alpha, [[1, -2], [1, 2]], "ratio")
    refused("range", karat.krippendorff_alpha, [1, 2])
    refused("range", karat.track_scores, ([1, 1], [1, 1], [[0, 0, 1, 1]] * 2), ([1], [1], [[0, 0, 1, 1]]))
    refused("range", karat.error_rate, [0, 1], strata=["x", "y"], strata_sizes={"x": 5})
    refused("range", karat.find_changes, [0, 1], level=2)


def empty_and_undefined():
    nothing = karat.votes([])
    for m in karat.agreement_methods():
        assert karat.agree(nothing, m).value is None
    assert karat.aggregate(nothing, "majority").label == [] and karat.dawid_skene([(1, "a", None)]).label == [None]
    assert karat.find_label_issues([], np.empty((0, 3))).tolist() == []
    assert karat.score_classes([], [], n_labels=2)["accuracy"] is None
    assert karat.coco_map([], [])["ap"] is None
    assert karat.word_error_rate("", "a") is None and karat.word_error_rate(["a b c"], ["a x c d"]) == 2 / 3
    assert karat.character_error_rate("größe", "grosse") == 3 / 5
    assert karat.mask_scores([[0, 1], [1, 1]], [[0, 1], [0, 1]])["iou"].tolist() == [0.5, 2 / 3]
    assert karat.boundary_scores(np.eye(4), np.eye(4))["f1"] == 1.0
    assert karat.segment_scores([("r", "x", 0, 10)], [("r", "x", 0, 5)])["iou"] == 0.5
    assert karat.error_rate([])["rate"] is None
    assert karat.find_value_errors([1, 2, 3, 4, 90], [1, 2, 3.1, 4.1, 5])[-1] > 3.5
    assert karat.find_duplicate_errors([0, 0, 1, 2], [5, 5, 5, -1]).tolist() == [False, False, True, False]
    assert abs(karat.get_multilabel_quality_scores([[1, 0]], [[0.9, 0.3]])[0] - (0.8 * 0.7 + 0.2 * 0.9)) < 1e-12


def pixels_and_features():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, (6, 20, 24))
    label = np.where(rng.random(truth.shape) < 0.03, (truth + 1) % 3, truth)
    p = np.moveaxis(0.85 * np.eye(3)[truth] + 0.05, 3, 1)
    found = karat.find_pixel_label_issues(label, p)
    assert (found == (label != truth)).all() and found.dtype == bool
    image, pixel = karat.get_pixel_label_quality_scores(label, p)
    s = pixel.reshape(6, -1)
    w = np.exp((1 - s) / 0.1)
    assert np.allclose(image, (s * w).sum(1) / w.sum(1)) and pixel.shape == label.shape
    label[0, :10] = -1
    assert not karat.find_pixel_label_issues(label, p)[0, :10].any() and np.isnan(karat.get_pixel_label_quality_scores(label, p)[1][0, :10]).all()
    assert karat.find_pixel_label_issues(np.empty((0, 2, 2), int), np.empty((0, 3, 2, 2))).shape == (0, 2, 2)
    assert "expected images" in refused("range", karat.find_pixel_label_issues, label, p[:, :, :5])
    x = np.concatenate([rng.normal([5, 1, 1], 0.2, (200, 3)), [[-5, 4, 1]]])
    got = karat.find_outliers(x)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    apart = 1 - unit @ unit.T
    np.fill_diagonal(apart, np.inf)
    assert np.allclose(got["distance"], np.sort(apart, axis=1)[:, :10].mean(1), atol=1e-6) and got["z"].argmax() == 200 and got["z"][200] > 3.5
    assert karat.find_outliers([[1.0, 2.0]])["nearest"].tolist() == [-1] and karat.find_outliers(np.empty((0, 4)))["z"].tolist() == []
    assert "item 1" in refused("range", karat.find_outliers, [[1, 2], [np.inf, 0]])
    assert "no metric" in refused("usage", karat.find_outliers, x, metric="taxi")


def people():
    rng = np.random.default_rng(5)
    rows = []
    for i in range(300):
        t = int(rng.integers(4))
        for s in range(6):
            rows.append((i, s, 2 if s == 0 else int(rng.integers(4)) if s == 1 else t if rng.random() < 0.9 else int(rng.integers(4))))
    found = karat.source_patterns(rows)
    assert found[0]["flags"] == ["constant"] and found[1]["flags"] == ["random"] and not any(found[s]["flags"] for s in range(2, 6)), found
    right = np.concatenate([rng.random(300) < 0.95, rng.random(300) < 0.6])
    change = karat.find_changes(right)
    assert len(change) == 1 and 270 < change[0]["at"] < 330 and change[0]["before"] > change[0]["after"]
    truth = karat.dawid_skene(rows).to_dict()
    assert karat.find_collusion(rows, truth) == []
    rate = karat.error_rate([0, 1, 0, 0], strata=["x", "x", "y", "y"], strata_sizes={"x": 100, "y": 300})
    assert abs(rate["rate"] - 0.125) < 1e-12 and rate["ci95"][0] < 0.125 < rate["ci95"][1]


def other_threads_run():
    """While libkarat works, Python does: a counter moves during a long call, and threads may share the library."""
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.ones(50), 60000)
    y = rng.integers(0, 50, 60000)
    state = {"n": 0, "stop": False}

    def count():
        while not state["stop"]:
            state["n"] += 1
            time.sleep(0)

    t = threading.Thread(target=count)
    t.start()
    while state["n"] == 0:
        time.sleep(0.001)
    before = state["n"]
    for _ in range(5):
        karat.get_label_quality_scores(y, p, "confidence_weighted_entropy")
    moved = state["n"] - before
    state["stop"] = True
    t.join()
    assert moved > 20, moved
    want, wrong = karat.compute_confident_joint(y, p).tolist(), []
    threads = [threading.Thread(target=lambda: wrong.append(1) if karat.compute_confident_joint(y, p).tolist() != want else None) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


for module in (karat.agreement, karat.aggregation, karat._votes):
    assert doctest.testmod(module).failed == 0, module
readme = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python", "README.md")
assert doctest.testfile(readme, module_relative=False).failed == 0, readme
for test in (ways_to_give_votes, routing_by_definition, agreement_by_hand, arrays_in_place, refusals, empty_and_undefined, pixels_and_features, people, other_threads_run):
    test()
    print(test.__name__, "ok")
