"""Merging answers that are no labels out of a few, as people use it. Checked against values worked out by hand, planted truth, and
against the karat program on the same answers."""
import _numpy  # noqa: F401
import csv, doctest, io, json, os, subprocess

import numpy as np
import karat

KARAT = os.environ.get("KARAT")


def refused(code, f, *args, **kw):
    try:
        f(*args, **kw)
    except karat.KaratError as e:
        assert e.code == code, (e.code, str(e))
        return str(e)
    raise AssertionError(f"{f} took {args} {kw}")


def program(method, header, rows, *more):
    """The program's JSON for the same answers, or None where the program is not at hand."""
    if not KARAT:
        return None
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    r = subprocess.run([KARAT, "aggregate", "-", "--method", method, "--json", *more], input=text.getvalue(), capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


def numbers():
    rng = np.random.default_rng(3)
    truth, bias, sd = rng.uniform(0, 100, 400), np.array([4.0, -2, -2, 0]), np.array([1.0, 1, 4, 4])
    rows = [(f"i{i}", f"s{s}", float(truth[i] + bias[s] + sd[s] * rng.normal())) for i in range(400) for s in range(4)]
    r = karat.merge_numbers(rows)
    assert r.method == "precision" and np.abs(r.value - truth).mean() < 0.8 and np.abs(r.bias - bias).max() < 0.6 and np.abs(r.sd - sd).max() < 0.5
    inside = ((r.value_ci[:, 0] <= truth) & (truth <= r.value_ci[:, 1])).mean()
    assert 0.9 < inside < 0.99, inside
    assert (r.votes == 4).all() and (r.source_votes == 400).all() and (r.bias_ci[:, 0] < r.bias).all() and (r.sd < r.sd_ci[:, 1]).all()
    p = program("numeric", ["item", "annotator", "value"], [(i, s, repr(x)) for i, s, x in rows])
    if p:
        assert [x["value"] for x in p["items"]] == r.value.tolist() and [x["sd_ci95"] for x in p["sources"]] == r.sd_ci.tolist()
    assert karat.merge_numbers([1, 1], [1, 2], [2.0, 4.0], method="median").to_dict() == {1: 3.0}
    assert karat.merge_numbers([]).value.size == 0
    refused("range", karat.merge_numbers, [("a", "b", np.nan)])
    refused("usage", karat.merge_numbers, rows, method="guess")
    refused("usage", karat.merge_numbers, rows, colour=1)
    refused("range", karat.merge_numbers, [1, 2], [1], [1.0, 2.0])
    refused("range", karat.merge_numbers, [("a", "b")])


def sets():
    rows = [(1, "a", ["x", "y"]), (1, "b", ["x"]), (1, "c", ["x"]), (2, "a", []), (2, "b", ["y", "z", "y"]), (2, "c", [])]
    r = karat.merge_label_sets(rows, "majority")
    assert r.labels == ["x", "y", "z"] and r.votes.tolist() == [3, 3] and r.votes_for.tolist() == [[3, 1, 0], [0, 1, 1]]
    assert np.abs(r.probs - r.votes_for / 3).max() < 1e-6 and r.to_dict() == {1: ["x"], 2: []}
    best = karat.merge_label_sets(rows)
    p = program("multi_label", ["item", "annotator", "labels"], [(i, s, "|".join(x)) for i, s, x in rows])
    if p:
        assert [sorted(x["labels"]) for x in p["items"]] == [sorted(v) for v in best.to_dict().values()]
        assert [x["accuracy"] for x in p["sources"]] == best.source_accuracy.tolist()
    assert karat.merge_label_sets([]).probs.shape == (0, 0)
    refused("usage", karat.merge_label_sets, rows, "coin_toss")
    refused("range", karat.merge_label_sets, rows, labels=["x"])
    refused("range", karat.merge_label_sets, [(1, "a", "xy")])


def regions():
    box = [("p", "a", [("cat", (0, 0, 10, 10)), ("dog", (50, 50, 60, 60))]), ("p", "b", [("cat", (0, 2, 10, 12))]), ("p", "c", [("cat", (0, 1, 10, 11))]), ("q", "a", [])]
    r = karat.merge_boxes(box)
    cat, dog = r.regions
    assert cat.kept and (cat.item, cat.label, cat.votes_for, cat.looked) == ("p", "cat", 3, 3) and np.abs(cat.at - [0, 1, 10, 11]).max() < 0.05
    assert not dog.kept and dog.votes_for == 1 and r.kept() == [cat] and r.sources == ["a", "b", "c"]
    assert (r.source_ci[:, 0] < r.source_accuracy).all() and (r.source_sd_ci[:, 0] <= r.source_sd).all()
    flat = [(i, s, *(p if p else ("",))) for i, s, x in box for p in ([(l, *at) for l, at in x] or [("", "", "", "", "")])]
    p = program("boxes", ["item", "annotator", "label", "x1", "y1", "x2", "y2"], flat)
    if p:
        assert [x["there"] for x in p["regions"]] == [float(f"{x.there:.9g}") for x in r.regions]
    assert karat.merge_boxes(box, overlap=0.9).regions[0].votes_for < 3
    assert karat.merge_spans([("t", s, [("x", (2, 6))]) for s in "abc"]).kept()[0].at.round(9).tolist() == [2, 6]
    assert karat.merge_segments([("t", s, [("x", (0.5, 6.25))]) for s in "abc"]).kept()[0].there > 0.9
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10.0]])
    r = karat.merge_polygons([("p", s, [("cat", square + [d, 0])]) for s, d in zip("abc", (0, 1, 2))])
    at = r.kept()[0].at
    assert at.shape[1] == 2 and abs(at[:, 0].min() - 1) < 0.1 and abs(at[:, 0].max() - 11) < 0.1 and len(at) < 40
    person = np.array([[0, 0, 2], [10, 10, 2], [0, 0, 0.0]])
    r = karat.merge_keypoints([("p", s, [("person", person + [[d, 0, 0], [0, d, 0], [0, 0, 0]])]) for s, d in zip("abc", (0, 0.3, -0.3))], overlap=0.3)
    k = r.kept()[0]
    assert k.at.shape == (3, 3) and abs(k.at[0, 0]) < 0.1 and k.at[:, 2].tolist() == [2, 2, 0] and np.isnan(k.at[2, 0]) and k.seen.shape == (3, 3)
    assert np.abs(k.seen.sum(1) - 1).max() < 1e-9
    assert karat.merge_boxes([]).regions == [] and karat.merge_polygons([("p", "a", [])]).regions == []
    refused("range", karat.merge_boxes, [("p", "a", [("cat", (0, 0, 10))])])
    refused("range", karat.merge_boxes, [("p", "a", [("cat", (0, 0, -1, 1))])])
    refused("range", karat.merge_boxes, [("p", "a", [("cat", (0, 0, np.inf, 1))])])
    refused("range", karat.merge_boxes, [("p", "a", []), ("p", "a", [])])
    refused("range", karat.merge_polygons, [("p", "a", [("cat", [[0, 0], [1, 1]])])])
    refused("range", karat.merge_keypoints, [("p", "a", [("cat", [[0, 0, 7]])])])
    refused("usage", karat.merge_boxes, box, sigma=1)


def trees():
    rng = np.random.default_rng(8)
    leaves = [f"{a}/{a}{b}/{a}{b}{d}" for a in "xyz" for b in "123" for d in "pq"]
    truth = rng.integers(0, len(leaves), 300)
    rows = []
    for i, t in enumerate(truth):
        for s in rng.choice(6, 4, replace=False):
            way = leaves[t if rng.random() < (0.9 if s < 4 else 0.5) else rng.integers(0, len(leaves))].split("/")
            rows.append((f"i{i}", f"s{s}", "/".join(way[:rng.integers(1, 4)])))
    r = karat.merge_taxonomy(rows)
    want = [leaves[truth[int(i[1:])]] for i in r.items]
    holds = [w.startswith(l) for w, l in zip(want, r.label) if l]
    assert len(holds) > 250 and np.mean(holds) > 0.85, np.mean(holds)
    assert (r.source_accuracy[[s in ("s0", "s1", "s2", "s3") for s in r.sources]] > 0.8).all() and r.level_accuracy.shape == (6, 3)
    assert (r.level_ci[:, :, 0] <= r.level_accuracy).all() and all(abs(r.nodes[i][l] - p) < 1e-12 for i, l, p in zip(r.items, r.label, r.posterior) if l)
    p = program("taxonomy", ["item", "annotator", "label"], rows)
    if p:
        assert [x["label"] for x in p["items"]] == r.label
        assert max(abs(x["accuracy"] - y) for x, y in zip(p["sources"], r.source_accuracy)) < 1e-9
    short = [(i, s, w.split("/")[-1]) for i, s, w in rows]
    parents = {w.split("/")[-1]: w.split("/")[-2] for w in leaves} | {a + b: a for a in "xyz" for b in "123"}
    other = karat.merge_taxonomy(short, parents)
    assert np.abs(other.posterior - r.posterior).max() < 1e-6 and [l and l.split("/")[-1] for l in r.label] == other.label
    assert karat.merge_taxonomy([]).label == [] and karat.merge_taxonomy([(1, "a", "x"), (2, "b", None)]).label[1] is None
    refused("range", karat.merge_taxonomy, [(1, "a", "x")], {"y": None})
    refused("range", karat.merge_taxonomy, [(1, "a", "x")], {"x": "y", "y": "x"})
    refused("range", karat.merge_taxonomy, [(1, "a", 7)])
    refused("usage", karat.merge_taxonomy, rows, target=2)


def copiers():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 800)
    noise = lambda a: np.where(rng.random(800) < a, truth, (truth + rng.integers(1, 3, 800)) % 3)
    ring = noise(0.4)
    rows = [(i, f"s{s}", int(said[i])) for s, said in enumerate([noise(0.75) for _ in range(6)] + [ring] * 5) for i in range(800) if rng.random() < 0.8]
    right = lambda r: np.mean([r.to_dict()[i] == truth[i] for i in r.items])
    plain, looked, best = karat.dawid_skene(rows), karat.dawid_skene(rows, correlated="yes"), karat.aggregate(rows)
    assert right(looked) > right(plain) + 0.2 and right(best) > 0.9, (right(plain), right(looked), right(best))
    group = dict(zip(looked.sources, looked.more["source_group"].tolist()))
    assert {s for s, g in group.items() if g == g} == {f"s{s}" for s in range(6, 11)} and "source_group" not in plain.more
    p = program("dawid_skene", ["item", "annotator", "label"], rows, "--set", "correlated=yes")
    if p:
        assert p["copying"]["annotators"] == 5 and {x["item"]: x["label"] for x in p["items"]} == {str(i): str(l) for i, l in looked.to_dict().items()}
        assert {x["annotator"] for x in p["sources"] if "group" in x} == {f"s{s}" for s in range(6, 11)}


def sequences():
    rng = np.random.default_rng(4)
    rows, truth = [], {}
    for i in range(150):
        tags, at = ["O"] * 12, int(rng.integers(1, 5))
        for _ in range(2):
            kind, long = str(rng.choice(["city", "name"])), int(rng.integers(1, 4))
            tags[at:at + long] = ["B-" + kind] + ["I-" + kind] * (long - 1)
            at += long + 2
        tags = truth[i] = tags[:12]
        for s in rng.choice(6, 4, replace=False):
            own = list(tags)
            for x in range(12):  # sloppy sources begin one token late
                if s >= 4 and own[x][0] == "B" and rng.random() < 0.5 and x + 1 < 12 and own[x + 1][0] == "I":
                    own[x + 1], own[x] = own[x], "O"
            rows.append((i, f"s{s}", own))
    r = karat.merge_sequences(rows)
    assert np.mean([r.to_dict()[i] == t for i, t in truth.items()]) > 0.97
    assert all(abs(p.sum(1) - 1).max() < 1e-9 for p in r.probs) and r.tag_names[0] == "O" and len(r.tag_names) == 5
    one = r.spans[0][0]
    assert truth[0][one.start] == "B-" + one.type and one.looked == 4 and 0.5 < one.posterior <= 1
    assert (r.source_ci[:, 0] <= r.source_accuracy).all() and min(r.source_accuracy[[s < "s4" for s in r.sources]]) > max(r.source_accuracy[[s >= "s4" for s in r.sources]])
    p = program("sequences", ["item", "annotator", "tags"], [(i, s, " ".join(t)) for i, s, t in rows])
    if p:
        assert [x["tags"].split() for x in p["items"]] == r.tags and [x["accuracy"] for x in p["sources"]] == r.source_accuracy.tolist()
        assert [len(x["spans"]) for x in p["items"]] == [len(x) for x in r.spans]
    assert karat.merge_sequences([]).tags == [] and karat.merge_sequences([(1, "a", [])]).tags == [[]]
    assert karat.merge_sequences([(1, "a", ["I-x", "I-x"])]).tags == [["B-x", "I-x"]]
    refused("range", karat.merge_sequences, [(1, "a", ["O"]), (1, "b", ["O", "O"])])
    refused("range", karat.merge_sequences, [(1, "a", ["X-y"])])
    refused("usage", karat.merge_sequences, rows, speed=1)


def same_sources(p, r):
    """What the program and Python say of the sources."""
    got = {x["annotator"]: x for x in p["sources"]}
    for s, a, ci, n in zip(r.sources, r.source_accuracy, r.source_ci, r.source_votes):
        assert [got[s]["accuracy"], *got[s]["ci95"], got[s]["votes"]] == [a, *ci, n], (s, got[s], a, ci)


def texts():
    rng = np.random.default_rng(5)
    truth = [["w%d" % rng.integers(50) for _ in range(8)] for _ in range(40)]
    worse = {"good": 0.03, "fair": 0.08, "poor": 0.3}
    rows = [(str(i), s, " ".join(w if rng.random() > slip else "x%d" % rng.integers(10**6) for w in t)) for i, t in enumerate(truth) for s, slip in worse.items()]
    for method in ("rover", "medoid"):
        r = karat.merge_answer_texts(rows, method)
        assert len(r.texts) == 40 and (r.votes == 3).all() and (r.word_shares is None) == (method == "medoid")
        assert r.source_accuracy[0] > r.source_accuracy[1] > r.source_accuracy[2] and (r.source_ci[:, 0] < r.source_accuracy).all()
        p = program(method, ["item", "annotator", "text"], rows)
        if p:
            assert [x["text"] for x in p["items"]] == r.texts and np.allclose([x["agreement"] for x in p["items"]], r.agreement, atol=1e-12)
            same_sources(p, r)
    r = karat.merge_answer_texts(rows)
    assert all(len(w) == len(t.split()) for w, t in zip(r.word_shares, r.texts)) and np.mean([t == " ".join(x) for t, x in zip(r.texts, truth)]) > 0.5
    assert r.texts == [karat.merge_texts([t for i, _, t in rows if i == str(k)]) for k in range(40)]
    assert karat.merge_answer_texts([]).texts == []
    refused("usage", karat.merge_answer_texts, rows, "best")
    refused("range", karat.merge_answer_texts, [(1, "a", 5)])


def masks():
    rng = np.random.default_rng(6)
    truth = rng.random((12, 24, 30)) < 0.4
    worse = {"a": 0.02, "b": 0.1, "c": 0.3}
    rows = [(str(i), s, np.where(rng.random(t.shape) < slip, ~t, t)) for i, t in enumerate(truth) for s, slip in worse.items()]
    as_text = [(i, s, "/".join("".join("01"[int(v)] for v in row) for row in m)) for i, s, m in rows]
    for n_iter, more in ((0, ()), (10, ("--set", "method=em"))):
        r = karat.merge_answer_masks(rows, n_iter)
        assert r.masks.shape == truth.shape and (r.masks == truth).mean() > 0.9 and r.source_accuracy[0] > r.source_accuracy[1] > r.source_accuracy[2]
        one, prob = karat.merge_masks([m for i, _, m in rows if i == "3"], n_iter)
        assert (one == r.masks[3]).all() and (prob == r.probs[3]).all()
        p = program("segmentation", ["item", "annotator", "mask"], as_text, *more)
        if p:
            assert [x["mask"].replace("/", "") for x in p["items"]] == ["".join("01"[int(v)] for v in m.ravel()) for m in r.masks]
            same_sources(p, r)
    refused("range", karat.merge_answer_masks, [(1, "a", 1), (1, "b", 0)])
    refused("range", karat.merge_answer_masks, rows, -1)


def rankings():
    rng = np.random.default_rng(7)
    strength = np.array([8.0, 4, 2, 1])
    rows = []
    for k in range(400):
        s = "honest" if k % 4 else "random"
        left = list(range(4)) if s == "honest" else list(rng.permutation(4))
        order = []
        while left and s == "honest":
            w = strength[left] / strength[left].sum()
            order.append(left.pop(rng.choice(len(left), p=w)))
        rows.append((s, ["abcd"[t] for t in (order or left)]))
    r = karat.merge_rankings(rows)
    assert sorted(r.things, key=r.to_dict().get, reverse=True) == list("abcd") and r.comparable
    share = dict(zip(r.sources, r.source_accuracy))
    by_hand = [np.mean([r.to_dict()[a] > r.to_dict()[b] for s, o in rows if s == who for a, b in zip(o, o[1:])]) for who in r.sources]
    assert share["honest"] > 0.6 > share["random"] and np.allclose(r.source_accuracy, by_hand) and r.source_votes.tolist() == [300, 900]
    p = program("plackett_luce", ["annotator", "ranking"], [(s, ">".join(o)) for s, o in rows])
    if p:
        assert {x["thing"]: x["strength"] for x in p["things"]} == r.to_dict()
        same_sources(p, r)
    assert np.allclose(list(karat.rank([o for _, o in rows]).values()), [r.to_dict()[t] for t in karat.rank([o for _, o in rows])])
    refused("range", karat.merge_rankings, [("a", ["x", "x"])])
    refused("usage", karat.merge_rankings, rows, speed=1)


if __name__ == "__main__":
    assert doctest.testmod(karat.answers).failed == 0
    for test in (numbers, sets, regions, trees, copiers, sequences, texts, masks, rankings):
        test()
        print(test.__name__, "ok")
