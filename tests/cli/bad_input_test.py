"""What cannot be, for every kind of answer and every filter: each input is refused with exit code 3, a message that says where and what, and
nothing on standard output; or has the answer said here. The same table for Python is tests/python/bad_input_test.py."""
import json, math, os, struct, subprocess, tempfile

from kit import KARAT, check, end

folder = tempfile.TemporaryDirectory()


def npy(descr, shape, data):
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def doubles(shape, *x):
    return npy("<f8", shape, struct.pack(f"<{len(x)}d", *x))


def path(name, data):
    p = os.path.join(folder.name, name)
    with open(p, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return p


def run(args, data=b""):
    return subprocess.run([KARAT, *args], input=data if isinstance(data, bytes) else data.encode(), capture_output=True, timeout=60)


def refused(name, args, data=b"", *says, code=3):
    r = run(args, data)
    err = r.stderr.decode(errors="replace")
    check(f"{name}: refused", r.returncode == code and not r.stdout and all(s in err for s in says), f"exit {r.returncode}, stdout {r.stdout[:80]}: {err} does not say {says}")


def strict(x):
    raise ValueError(f"{x} is no JSON")


def answered(name, args, data, want):
    r = run(args, data)
    try:
        got = json.loads(r.stdout, parse_constant=strict)
    except ValueError as e:
        check(f"{name}: an answer", False, f"exit {r.returncode}: {e}: {r.stdout[:200]} {r.stderr[:200]}")
        return
    check(f"{name}: the answer", r.returncode == 0 and want(got), got)


# ---- answers of every kind: columns, a good answer, what no answer is, what cannot be one and what then is said ----

HUGE = doubles("(1000000000, 5)", *[0.0] * 8)
KINDS = {
    "auto": ("label", "x", "", None, None),
    "dawid_skene": ("label", "x", "", None, None),
    "mace": ("label", "x", "", None, None),
    "rover": ("text", "a b", None, None, None),
    "medoid": ("text", "a b", None, None, None),
    "segmentation": ("mask", "01/10", None, "0x/10", "rows of 0 and 1"),
    "boxes": ("label,x1,y1,x2,y2", "cat,0,0,5,5", ",,,,", "cat,0,nan,5,5", "not a number"),
    "spans": ("label,start,end", "cat,0,5", ",,", "cat,inf,5", "not a number"),
    "segments": ("label,start,end", "cat,0,5", ",,", "cat,6,5", "before its start"),
    "polygons": ("label,polygon", "cat,0 0 5 0 5 5", ",", "cat,0 0 5 0 5", "corners"),
    "keypoints": ("label,keypoints", "p,1 1 2 3 3 2", ",", "p,1 1 2 nan 3 2", "not a number"),
    "sequences": ("tags", "O B-x", None, "O Q-x", "no tag"),
    "taxonomy": ("label", "a/b", "", None, None),
    "multi_label": ("labels", "a|b", "", None, None),
    "numeric": ("value", "3.5", "", "nan", "not a number"),
}
for m, (columns, good, none, bad, says) in KINDS.items():
    head, args = f"item,annotator,{columns}\n", ["aggregate", "-", "--method", m, "--json"]
    whole = lambda got: got.get("items", got.get("regions"))
    refused(f"{m}, an empty file", args, b"", "empty")
    answered(f"{m}, a header alone", args, head, lambda got: whole(got) == [] and got["sources"] == [])
    answered(f"{m}, one annotator", args, f"{head}1,ann,{good}\n2,ann,{good}\n", lambda got: len(whole(got)) == 2 and len(got["sources"]) == 1)
    answered(f"{m}, one answer", args, f"{head}1,ann,{good}\n", lambda got: len(whole(got)) == 1)
    answered(f"{m}, all alike", args, head + "".join(f"{i},{p},{good}\n" for i in range(3) for p in "ab"), lambda got: len(whole(got)) == 3 and len(got["sources"]) == 2)
    if none is not None:
        answered(f"{m}, all abstain", args, f"{head}1,ann,{none}\n1,bob,{none}\n", lambda got: all(s.get("accuracy") is None for s in got["sources"]) and all(
            i.get("label") is None and i.get("value") is None and not i.get("labels") for i in whole(got)))
        answered(f"{m}, one abstains", args, f"{head}1,ann,{good}\n1,bob,{none}\n1,cyd,{good}\n", lambda got: len(whole(got)) == 1)
    if bad:
        refused(f"{m}, what is none", args, f"{head}1,ann,{good}\n1,bob,{bad}\n", says, "-:" if m in ("segments", "polygons") else "-:3")
    twice = f"{head}1,ann,{good}\n2,ann,{good}\n1,ann,{good}\n1,bob,{good}\n"
    if columns.startswith("label,"):  # an answer may be several regions
        answered(f"{m}, two regions alike", args, twice, lambda got: got["sources"])
    else:
        refused(f"{m}, twice by one", args, twice, "-:4", "first on line 2", "--duplicates")
        answered(f"{m}, the first of two", args + ["--duplicates", "first"], twice, lambda got: whole(got)[0]["votes"] == 2 if "votes" in whole(got)[0] else True)
        answered(f"{m}, the last of two", args + ["--duplicates", "last"], twice, lambda got: len(whole(got)) == 2)
    refused(f"{m}, a short row", args, f"{head}1,ann\n", "-:2", "fields")
    refused(f"{m}, no such column", args, "item,annotator\n1,ann\n", "no column")
    refused(f"{m}, no item", args, f"{head},ann,{good}\n", "-:2: item", "empty")
    refused(f"{m}, no annotator", args, f"{head}1,ann,{good}\n1,,{good}\n", "-:3: annotator", "empty")
    refused(f"{m}, no UTF-8", args, f"{head}1,ann,{good}\n".encode() + b"2,\xff," + good.encode() + b"\n", "-:3", "UTF-8")
    refused(f"{m}, a billion items in a short file", args, HUGE, "announces 40000000000 bytes")
    refused(f"{m}, the same from a file", args[:1] + [path("huge.npy", HUGE)] + args[2:], b"", "announces 40000000000 bytes", "huge.npy")
    refused(f"{m}, an archive cut short", args, b"PK\x03\x04\x14\x00\x00\x00\x00\x00", "-")

# ---- votes: labels that are not allowed, numbers that are none ----

refused("aggregate, an unknown label", ["aggregate", "-", "--labels", "x,y"], "item,annotator,label\n1,a,z\n", "-:2", "z")
refused("aggregate, an infinite vote", ["aggregate", "-"], doubles("(1, 2)", 1, math.inf), "inf")
answered("aggregate, NaN in an array is missing", ["aggregate", "-", "--json"], doubles("(2, 2)", 1, math.nan, math.nan, math.nan), lambda g: [i["label"] for i in g["items"]] == ["1", None])
refused("agree, an unknown label", ["agree", "-", "--labels", "x,y"], "item,annotator,label\n1,a,z\n", "-:2", "z")
answered("agree, one annotator", ["agree", "-", "--json"], "item,annotator,label\n1,a,x\n2,a,y\n", lambda g: any(v.get("value") is None for v in (g if isinstance(g, list) else g.get("metrics", [g]))))
refused("denoise, empty", ["denoise", "-"], "", "empty")
refused("denoise, huge", ["denoise", "-"], HUGE, "announces")
refused("ask, huge", ["ask", "-"], HUGE, "announces")
refused("ask, empty", ["ask", "-"], "", "empty")
answered("ask, all abstain", ["ask", "-", "--json"], "item,annotator,label\n1,a,\n", lambda g: g["items"][0]["label"] == "" and g["items"][0]["votes"] == 0)
refused("near, empty", ["near", "-"], "", "empty")
refused("near, no text", ["near", "-"], "id,words\n1,a\n", "text")
refused("near, no UTF-8", ["near", "-"], b"text\nfine words\n\xff\n", "-:3")
refused("route, empty", ["route", path("e.csv", ""), "--budget", "0.1"], b"", "empty")
refused("route, no scores", ["route", path("n.csv", "item,correct\n1,1\n"), "--budget", "0.1"], b"", "score")
refused("route, NaN", ["route", path("nan.csv", "item,score,correct\n1,nan,1\n"), "--budget", "0.1"], b"", "nan.csv")
refused("model, no model", ["model", "predict", path("no.model", "nothing"), path("t.csv", "text\na\n")], b"", "no model file")
refused("model, cut short", ["model", "show", path("cut.model", b"karatmdl\x01\x06linear\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")], b"", "checksum", code=4)
refused("model, empty", ["model", "cross", path("e.csv", "")], b"", "empty")

# ---- probabilities beside labels ----

LABELS = path("labels.csv", "item,label\nx,cat\ny,dog\n")
for name, probs, says in (("NaN", "item,cat,dog\nx,nan,0.5\ny,0.5,0.5\n", "nan"), ("infinite", "item,cat,dog\nx,inf,0.5\ny,0.5,0.5\n", "inf"),
                          ("not normalised", "item,cat,dog\nx,0.9,0.9\ny,0.5,0.5\n", "sum to 1.8"), ("negative", "item,cat,dog\nx,-0.5,1.5\ny,0.5,0.5\n", "-0.5"),
                          ("an item too few", "item,cat,dog\nx,0.5,0.5\n", "no row of probabilities"), ("an item twice", "item,cat,dog\nx,1,0\nx,1,0\ny,1,0\n", "more than one"),
                          ("a class too few", "item,cat\nx,1\ny,1\n", "dog"), ("no number", "item,cat,dog\nx,high,0\ny,1,0\n", "no number"), ("empty", "", "empty"),
                          ("a billion rows", HUGE, "announces"), ("three dimensions", doubles("(1, 2, 2)", 1, 0, 1, 0), "two dimensions"),
                          ("a row too few", doubles("(1, 2)", .5, .5), "2 rows, where the other file has 1")):
    p = path("probs", probs)
    refused(f"errors, {name}", ["errors", "--labels", LABELS, "--probs", p], b"", says)
    if name not in ("a class too few",):
        refused(f"score, {name}", ["score", LABELS, "--probs", p], b"", "no prediction" if "too few" in name and "item" in name else says)
refused("errors, an unknown label", ["errors", "--labels", path("l2.csv", "item,label\nx,cow\ny,dog\n"), "--probs", path("p2.csv", "item,cat,dog\nx,1,0\ny,1,0\n")], b"", "l2.csv:2", "none of the 2")
refused("score, a prediction too few", ["score", path("s1.csv", "item,label\nx,cat\n"), LABELS], b"", "labels.csv:3", "no prediction")
refused("score, missing", ["score", path("s2.csv", "item,label\nx,\ny,dog\n"), LABELS], b"", "s2.csv:2", "empty")
answered("score, nothing at all", ["score", path("s3.csv", "item,label\n"), path("s4.csv", "item,label\n"), "--json"], b"", lambda g: g["accuracy"] is None)
answered("score, one class", ["score", path("s5.csv", "item,label\n1,a\n"), path("s6.csv", "item,label\n1,a\n"), "--json"], b"", lambda g: g["accuracy"] == 1 and g["mcc"] in (0, 1, None))
for task, files in (("values", 2), ("boxes", 2), ("tokens", 2), ("multilabel", 2), ("outliers", 1), ("annotators", 1), ("rate", 1), ("duplicates", 1)):
    e = path("empty.csv", "")
    refused(f"errors --task {task}, empty", ["errors", "--task", task] + (["--labels", e, "--probs", e] if files == 2 else [e]), b"", "empty")
    h = path("h.npy", HUGE)
    refused(f"errors --task {task}, huge", ["errors", "--task", task] + (["--labels", h, "--probs", h] if files == 2 else [h]), b"", "announces")
for task in ("classes", "spans", "boxes", "iou", "text", "segments"):
    e, h = path("empty.csv", ""), path("h.npy", HUGE)
    refused(f"score --task {task}, empty", ["score", e, e, "--task", task], b"", "empty")
    refused(f"score --task {task}, huge", ["score", h, h, "--task", task], b"", "announces")
end()
