"""The filters as people use them: every file format, what they refuse and how, plots, --explain. Every refusal must have exit code 2
or 3, name what is wrong, and leave nothing on standard output."""
import json, math, os, re, struct, subprocess, sys, tempfile, zipfile

KARAT = os.environ["KARAT"]
work = tempfile.mkdtemp()
failures = []


def path(name, content=None):
    p = os.path.join(work, name)
    if content is not None:
        with open(p, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
    return p


def run(*args, text=None, code=0):
    r = subprocess.run([KARAT, *args], input=text.encode() if isinstance(text, str) else text, capture_output=True, timeout=60)
    assert r.returncode == code, f"karat {' '.join(args)}: exit {r.returncode}, expected {code}: {r.stderr.decode(errors='replace')}"
    return r.stdout.decode(), r.stderr.decode()


def refused(*args, says, text=None, code=3):
    out, err = run(*args, text=text, code=code)
    assert not out, f"karat {' '.join(args)} printed {out[:100]!r} beside its error"
    for s in [says] if isinstance(says, str) else says:
        assert s in err, f"karat {' '.join(args)}: {err.strip()!r} does not say {s!r}"


def npy(descr, shape, data, fortran=False, version=(1, 0)):
    head = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    size = struct.pack("<H" if version[0] == 1 else "<I", len(head))
    return b"\x93NUMPY" + bytes(version) + size + head + data


def npz(name, packed=False, **arrays):
    with zipfile.ZipFile(path(name), "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as z:
        for k, v in arrays.items():
            z.writestr(k + ".npy", v)
    return path(name)


VOTES = "item,annotator,label\n1,a,0\n1,b,0\n2,a,1\n2,b,0\n3,a,1\n3,b,1\n"


def value(*args, **kw):
    return json.loads(run("agree", *args, "--json", "--method", "fleiss_kappa", **kw)[0])


def formats():
    """The same six votes in every format say the same."""
    want = value(path("v.csv", VOTES))
    rows = [line.split(",") for line in VOTES.split()[1:]]
    column = lambda k: [int(r[k]) if k != 1 else "ab".index(r[k]) for r in rows]
    ints = lambda x: struct.pack(f"<{len(x)}i", *x)
    same = {
        "tsv": path("v.tsv", VOTES.replace(",", "\t")),
        "semicolons": path("v.txt", VOTES.replace(",", ";")),
        "quotes, CRLF and a byte-order mark": path("q.csv", b"\xef\xbb\xbf" + VOTES.replace("1,a", '"1","a"').replace("\n", "\r\n").encode()),
        "JSON lines": path("v.jsonl", "".join(json.dumps(dict(zip(("item", "annotator", "label"), r))) + "\n" for r in rows)),
        "JSON lines, numbers and other keys": path("n.jsonl", "".join(json.dumps({"x": [1, {"y": 2}], "label": int(r[2]), "annotator": r[1], "item": int(r[0])}) + "\n" for r in rows)),
        "a JSON array": path("v.json", json.dumps([dict(zip(("item", "annotator", "label"), r)) for r in rows], indent=1)),
        "wide CSV": path("w.csv", "item,a,b\n1,0,0\n2,1,0\n3,1,1\n"),
        "npy of bytes": path("v.npy", npy("|i1", (3, 2), bytes([0, 0, 1, 0, 1, 1]))),
        "npy of doubles in Fortran order": path("f.npy", npy("<f8", (3, 2), struct.pack("<6d", 0, 1, 1, 0, 0, 1), fortran=True)),
        "npy, big-endian, version 2": path("b.npy", npy(">i2", (3, 2), struct.pack(">6h", 0, 0, 1, 0, 1, 1), version=(2, 0))),
        "npy of texts": path("u.npy", npy("<U1", (3, 2), "001011".encode("utf-32-le"))),
        "npz of triples": npz("t.npz", item=npy("<i4", (6,), ints(column(0))), annotator=npy("<i4", (6,), ints(column(1))), label=npy("<i4", (6,), ints(column(2)))),
        "npz, deflated": npz("z.npz", True, votes=npy("<i4", (3, 2), ints([0, 0, 1, 0, 1, 1]))),
    }
    for name, p in same.items():
        got = value(p)
        assert got["value"] == want["value"] and got["n_items"] == 3 and got["n_annotators"] == 2, f"{name}: {got}"
    assert value("-", text=VOTES)["value"] == want["value"]
    assert value("-", text=open(path("z.npz"), "rb").read())["value"] == want["value"]
    holes = value(path("m.npy", npy("<f8", (3, 3), struct.pack("<9d", 0, 0, float("nan"), 1, 0, float("nan"), 1, float("nan"), 1))))
    minus = value(path("k.npy", npy("|i1", (3, 3), bytes([0, 0, 255, 1, 0, 255, 1, 255, 1]))))
    assert holes["value"] == minus["value"] == want["value"]
    assert value(path("na.csv", VOTES + "4,a,NA\n4,b,1\n"), "--missing", "NA")["value"] == want["value"]


def bad_files():
    refused("agree", path("none.csv"), says="cannot open")
    refused("agree", path("e.csv", ""), says="empty")
    refused("agree", path("h.csv", "a,b\n1,2\n"), says=["no column", "item,annotator,label"])
    refused("agree", path("r.csv", VOTES + "9,a\n"), says=["r.csv:8", "2 fields"])
    refused("agree", path("q2.csv", VOTES + '9,"a,0\n'), says="does not end")
    refused("agree", path("l1.csv", VOTES.encode() + b"9,a,\xff\n"), says=["l1.csv:8", "not UTF-8"])
    refused("agree", path("d.csv", VOTES + "3,b,0\n"), says=["votes twice", "--duplicates"])
    refused("agree", path("v.csv"), "--labels", "0,2", says=["v.csv:4", "label 1 is not one of"])
    refused("agree", path("j.jsonl", '{"item":1,"annotator":"a","label":0}\n{"item":\n'), says="j.jsonl:2")
    refused("agree", path("j2.jsonl", '{"item":1,"annotator":"a"}\n'), says="no column 'label'")
    run("agree", path("d.csv"), "--duplicates", "last")
    good = npy("<f8", (3, 2), struct.pack("<6d", 0, 0, 1, 0, 1, 1))
    refused("agree", path("s.npy", good[:-1]), says=["announces 48 bytes", "47"])
    refused("agree", path("s2.npy", good[:20]), says="header")
    refused("agree", path("big.npy", npy("<f8", (10**9, 5), b"x" * 80)), says=["announces", "file has 80"])
    refused("agree", path("huge.npy", npy("<f8", (2**62, 2**62), b"")), says="announces more than")
    refused("agree", path("o.npy", npy("|O", (3, 2), b"x" * 48)), says="objects are never loaded")
    refused("agree", path("c.npy", npy("<c16", (3, 2), b"x" * 96)), says="not read")
    refused("agree", path("x.npy", npy("<f8", "(3, 'a')", b"")), says="malformed")
    refused("agree", path("one.npy", npy("<f8", (6,), struct.pack("<6d", *range(6)))), says="items × annotators")
    refused("agree", path("inf.npy", npy("<f8", (1, 2), struct.pack("<2d", float("inf"), 0))), says="infinite")
    whole = open(path("z.npz"), "rb").read()
    refused("agree", path("cut.npz", whole[: len(whole) // 2]), says="cut short")
    flipped = bytearray(whole)
    flipped[60] ^= 255
    refused("agree", path("flip.npz", bytes(flipped)), says="flip.npz")
    bomb = bytearray(whole)
    at = bomb.rfind(b"PK\x01\x02")
    bomb[at + 24 : at + 28] = struct.pack("<I", 2**31)
    refused("agree", path("bomb.npz", bytes(bomb)), says="claims to hold")


def odd_votes():
    """Empty, one annotator, one class, all abstain: undefined, not wrong."""
    for text in ("item,annotator,label\n", VOTES.replace(",0\n", ",\n").replace(",1\n", ",\n"), "item,annotator,label\n1,a,x\n2,a,y\n",
                 "item,annotator,label\n1,a,x\n1,b,x\n"):
        got = json.loads(run("agree", "-", "--json", text=text)[0])
        for m in got["metrics"]:
            one_class = "b,x" in text
            assert m["value"] is None or (one_class and m["value"] == 1 and m["method"] in ("percent", "randolph_kappa")), (text, m)
            assert m["value"] is not None or m["ci95"] is None, m
        assert "undefined" in run("agree", "-", text=text)[0]
        run("agree", "-", "--per", "pair", text=text)
        run("agree", "-", "--per", "class", text=text)
        run("agree", "-", "--per", "item", text=text)
    refused("agree", path("v.csv"), "--method", "fleis_kappa", says="did you mean fleiss_kappa", code=2)
    refused("agree", path("v.csv"), "--method", "cohen_kappa", "--set", "weights=heavy", says="quadratic", code=2)
    refused("agree", path("v.csv"), "--per", "person", says="pair, class or item", code=2)
    refused("agree", path("v.csv"), "--interval", "wide", says="bootstrap", code=2)
    refused("agree", path("v.csv"), "--per", "class", "--method", "pearson", says="compares numbers", code=2)
    refused("agree", path("w2.csv", VOTES.replace(",0\n", ",no\n")), "--method", "icc", says="needs numbers")
    refused("agree", path("v.csv"), "--method", "krippendorff_alpha", "--distance", "boxes", says="x,y,width,height")


def explained_and_drawn():
    out, _ = run("agree", path("v.csv"), "--method", "fleiss_kappa", "--explain")
    # p_o = (1 + 0 + 1) / 3, p_e = .5² + .5²
    assert "(0.666667 - 0.5) / (1 - 0.5) = 0.333333" in out, out
    got = json.loads(run("agree", path("v.csv"), "--method", "fleiss_kappa", "--explain", "--json")[0])
    assert abs(got["terms"]["p_o"] - 2 / 3) < 1e-12 and got["formula"] == "(p_o - p_e) / (1 - p_e)"
    for args in ([], ["--per", "pair"], ["--per", "class"], ["--per", "item"]):
        svg = path("p.svg")
        run("agree", path("v.csv"), "--plot", svg, *args)
        text = open(svg).read()
        assert text.startswith("<svg") and text.rstrip().endswith("</svg>") and "nan" not in text, args
    boot = [run("agree", path("v.csv"), "--interval", "bootstrap", "--seed", "7", "--csv")[0] for _ in range(2)]
    assert boot[0] == boot[1] and boot[0].startswith("method,value,low,high\n")


def labels_and_probabilities():
    labels = path("labels.csv", "item,label\nx,cat\ny,dog\nz,dog\n")
    probs = path("probs.csv", "item,cat,dog\nz,0.95,0.05\ny,0.1,0.9\nx,0.8,0.2\n")
    got = json.loads(run("errors", "--labels", labels, "--probs", probs, "--json", "--filter", "predicted_neq_given", "--plot", path("j.svg"))[0])
    assert [(i["item"], i["label"], i["suggested"], i["quality"]) for i in got["issues"]] == [("z", "dog", "cat", 0.05)], got
    assert "<svg" in open(path("j.svg")).read()
    f4 = path("probs.npy", npy("<f4", (3, 2), struct.pack("<6f", 0.8, 0.2, 0.1, 0.9, 0.95, 0.05)))
    got = json.loads(run("errors", "--labels", labels, "--probs", f4, "--classes", "cat,dog", "--json", "--filter", "predicted_neq_given")[0])
    assert [i["item"] for i in got["issues"]] == ["z"]
    pandas_like = path("pd.csv", "0,1\n0.8,0.2\n0.1,0.9\n0.95,0.05\n")
    plain = path("plain.csv", "0.8,0.2\n0.1,0.9\n0.95,0.05\n")
    numbers = path("nl.npy", npy("<i8", (3,), struct.pack("<3q", 0, 1, 1)))
    for p in (pandas_like, plain):
        assert "2,1,0,0.05" in run("errors", "--labels", numbers, "--probs", p, "--filter", "predicted_neq_given")[0]
    refused("errors", "--labels", labels, says="--probs FILE", code=2)
    refused("errors", "--labels", labels, "--probs", path("p2.csv", "item,cat,dog\nx,1,0\n"), says="no row of probabilities")
    refused("errors", "--labels", labels, "--probs", path("p3.csv", "1,0\n"), says="3 rows, where the other file has 1")
    refused("errors", "--labels", labels, "--probs", path("p4.csv", "item,cat,cow\nx,1,0\ny,1,0\nz,0,1\n"), says=["labels.csv:3", "none of the 2 classes"])
    refused("errors", "--labels", labels, "--probs", path("p5.csv", "item,cat,dog\nx,0.9,0.9\ny,1,0\nz,0,1\n"), says=["p5.csv", "sum to 1.8"])
    refused("errors", "--labels", labels, "--probs", path("p6.csv", "item,cat,dog\nx,nan,1\ny,1,0\nz,0,1\n"), says="item 0")
    refused("errors", "--labels", labels, "--probs", path("p7.csv", "item,cat,dog\nx,high,1\ny,1,0\nz,0,1\n"), says=["p7.csv:2", "cat", "no number"])
    refused("errors", "--labels", labels, "--probs", probs, "--task", "labls", says="did you mean labels", code=2)
    refused("errors", "--labels", labels, "--probs", probs, "--filter", "guess", says="prune_by_class", code=2)


def other_tasks():
    given, predicted = path("v1.csv", "item,value\n" + "".join(f"i{i},{i + i % 3}\n" for i in range(40))), path("v2.csv", "".join(
        ["item,predicted\n"] + [f"i{i},{i + 1 if i != 7 else 90}\n" for i in reversed(range(40))]))
    got = json.loads(run("errors", "--task", "values", "--labels", given, "--probs", predicted, "--json")[0])
    assert [(i["item"], i["predicted"]) for i in got["issues"]] == [("i7", 90)], got  # by item, not by place
    refused("errors", "--task", "values", "--labels", given, "--probs", path("v3.csv", "item,value\ni0,1\n"), says=["v1.csv:3", "no prediction"])
    got = json.loads(run("score", "-", path("t.csv", "item,label\na,x\nb,y\nc,x\n"), "--json", text="item,label\nc,x\nb,x\na,x\n")[0])
    assert abs(got["accuracy"] - 2 / 3) < 1e-12, got
    refused("score", "-", path("t.csv", "item,label\na,x\nb,y\nc,x\n"), text="item,label\na,x\na,y\n", says="more than one prediction")
    audit = path("audit.csv", "wrong,stratum\n1,s\n0,s\n0,o\n0,o\n")
    got = json.loads(run("errors", "--task", "rate", audit, "--strata", "s=100,o=300", "--json")[0])
    assert abs(got["rate"] - 0.125) < 1e-12 and got["method"] == "stratified" and got["ci95"][0] < 0.125 < got["ci95"][1]
    refused("errors", "--task", "rate", audit, says="--strata", code=2)
    refused("errors", "--task", "rate", path("a2.csv", "wrong\nmaybe\n"), says=["a2.csv:2", "maybe"])
    got = json.loads(run("errors", "--task", "rate", path("a3.csv", "label,truth\na,a\na,b\nb,b\nb,b\n"), "--json")[0])
    assert got["rate"] == 0.25 and got["method"] == "clopper_pearson"
    out, _ = run("errors", "--task", "duplicates", path("dup.csv", "item,cluster,label\na,1,x\nb,1,x\nc,1,y\nd,2,y\n"))
    assert out == "item,cluster,label\nc,1,y\n", out
    out, _ = run("errors", "--task", "values", "--labels", path("y.csv", "item,value\n" + "".join(f"i{k},{k}\n" for k in range(9)) + "z,900\n"),
                 "--probs", path("yp.csv", "item,value\n" + "".join(f"i{k},{k + 0.1 * (k % 3)}\n" for k in range(9)) + "z,9\n"))
    assert out.startswith("item,value,predicted,z\nz,900,9,"), out
    out, _ = run("errors", "--task", "multilabel", "--labels", path("ml.csv", "item,a,b\nx,1,0\ny,1,1\n"), "--probs", path("mp.csv", "item,a,b\nx,0.9,0.1\ny,0.9,0.2\n"))
    assert out.splitlines()[1].startswith("y,"), out
    label = path("pl.npy", npy("|i1", (2, 2, 2), struct.pack("<8b", 0, 0, 1, 1, 0, 1, -1, 1)))
    one = [0.9, 0.9, 0.1, 0.1, 0.9, 0.9, 0.9, 0.1]  # of class 0; the last image's pixel (1, 0) is suspect
    both = one[:4] + [1 - p for p in one[:4]] + one[4:] + [1 - p for p in one[4:]]
    prob = path("pp.npy", npy("<f8", (2, 2, 2, 2), struct.pack("<16d", *both)))
    out, _ = run("errors", "--task", "pixels", "--labels", label, "--probs", prob, "--filter", "predicted_neq_given")
    assert out.splitlines()[0] == "image,pixels,suspects,quality,x1,y1,x2,y2" and out.splitlines()[1].startswith("1,3,1,0.1") and out.endswith(",1,0,2,1\n"), out
    got = json.loads(run("errors", "--task", "pixels", "--labels", label, "--probs", prob, "--filter", "predicted_neq_given", "--all", "--json")[0])
    assert got["n_pixels"] == 7 and [i["image"] for i in got["images"]] == [1, 0] and got["images"][0]["region"] == [1, 0, 2, 1], got
    refused("errors", "--task", "pixels", "--labels", label, "--probs", label, says=["pl.npy", "classes × height × width"])
    refused("errors", "--task", "pixels", "--labels", path("pl2.npy", npy("|i1", (2, 2), struct.pack("<4b", 0, 0, 1, 7))),
            "--probs", path("pp2.npy", npy("<f8", (2, 2, 2), struct.pack("<8d", *both[:8]))), says=["pl2.npy", "label 7"])
    rows = "".join(f"n{k},{10 + 0.3 * math.sin(7.1 * k * k)},{1 + 0.3 * math.sin(3.7 * k * k)},{5 + 0.3 * math.sin(5.3 * k * k)}\n" for k in range(40))
    got = json.loads(run("errors", "--task", "outliers", path("x.csv", "item,a,b,c\n" + rows + "far,-3,9,0\n"), "--json")[0])
    assert [i["item"] for i in got["issues"]] == ["far"] and got["n_items"] == 41, got
    out, _ = run("errors", "--task", "outliers", path("x.csv"), "--all", "--quality", "euclidean")
    assert out.startswith("item,distance,z,nearest\nfar,") and len(out.splitlines()) == 42, out
    refused("errors", "--task", "outliers", says="FILE", code=2)
    refused("errors", "--task", "outliers", path("x2.csv", "item,a,b\na,1,2\nb,0,0\n"), says=["x2.csv", "item 1", "zeros"])
    got = json.loads(run("errors", "--task", "annotators", path("v.csv"), "--json")[0])
    assert {a["annotator"] for a in got["annotators"]} == {"a", "b"} and got["copies"] == []
    masks = path("mask.npy", npy("|u1", (2, 2), bytes([0, 1, 1, 1])))
    got = json.loads(run("score", masks, masks, "--task", "masks", "--json")[0])
    assert got["mean_iou"] == 1 and got["boundary_f1"] == 1
    got = json.loads(run("score", path("t1.csv", "item,text\n1,a x c d\n"), path("t2.csv", "item,text\n1,a b c\n"), "--task", "text", "--json")[0])
    assert abs(got["wer"] - 2 / 3) < 1e-12 and got["words"] == {"length": 3, "substituted": 1, "deleted": 0, "inserted": 1}
    got = json.loads(run("score", path("s1.csv", "item,label,start_s,end_s\nr,x,0,5\n"), path("s2.csv", "item,label,start_s,end_s\nr,x,0,10\n"), "--task", "segments", "--json")[0])
    assert got["iou"] == 0.5
    out, _ = run("score", path("c1.csv", "item,predicted\n1,a\n2,b\n"), path("c2.csv", "item,label\n2,b\n1,b\n"), "--explain")
    assert "accuracy             0.5000   right / all" in out, out
    refused("score", path("c1.csv"), says="needs two files", code=2)
    refused("score", path("c1.csv"), path("c3.csv", "item,label\n1,a\n9,b\n"), says=["c3.csv:3", "item 9 has no prediction"])
    refused("score", path("t3.csv", "sentence,tag\n1,O\n"), path("t4.csv", "sentence,tag\n1,B-X\n1,I-X\n"), "--task", "spans", says="1 predicted tags for 2")
    refused("score", path("t3.csv"), path("t5.csv", "sentence,tag\n1,Q\n"), "--task", "spans", says="no tag")
    listed = run("list", "score_tasks")[0] + run("list", "error_tasks")[0]
    for name in ("classes", "tracks", "annotators", "pixels", "outliers", "tolerance_px"):
        assert name in listed


def drawn_and_explained_everywhere():
    """Every kind that has a picture draws one that is well-formed and names what it shows; every formula comes with --explain."""
    import xml.dom.minidom
    k = 40
    names = [f"i{i}" for i in range(k)]
    labels = path("dl.csv", "item,label\n" + "".join(f"{n},{i % 3}\n" for i, n in enumerate(names)))
    probs = path("dp.csv", "item,0,1,2\n" + "".join(f"{n}," + ",".join("0.8" if c == (i + (i % 7 == 0)) % 3 else "0.1" for c in range(3)) + "\n" for i, n in enumerate(names)))
    values = [path(f"{w}.csv", "item,value\n" + "".join(f"{n},{i * 1.5 + (i == add) * 90}\n" for i, n in enumerate(names))) for w, add in (("va", 3), ("vb", -1))]
    votes = path("dv.csv", "item,annotator,label\n" + "".join(f"{n},s{s},{(i + (s == 3 and i % 2)) % 3}\n" for i, n in enumerate(names) for s in range(4)))
    multi = [path("ml.csv", "item,a,b\n" + "".join(f"{n},1,0\n" for n in names)), path("mp.csv", "item,a,b\n" + "".join(f"{n},0.{i % 9 + 1},0.2\n" for i, n in enumerate(names)))]
    audit = path("audit.csv", "item,wrong\n" + "".join(f"{n},{int(i % 9 == 0)}\n" for i, n in enumerate(names)))
    svg = path("every.svg")
    for args, shows in ((["errors", "--labels", labels, "--probs", probs], ["confident joint", "Quality of the labels", "suspects"]),
                        (["errors", "--task", "values", "--labels", values[0], "--probs", values[1]], ["Residuals"]),
                        (["errors", "--task", "multilabel", "--labels", multi[0], "--probs", multi[1]], ["Quality of items"]),
                        (["errors", "--task", "rate", audit], ["Error rate", "clopper_pearson"]), (["errors", "--task", "annotators", votes], ["s3", "kappa"]),
                        (["errors", "--task", "outliers", probs], ["How far"]), (["score", labels, "--probs", probs], ["Confusion", "Reliability"]),
                        (["score", labels, labels], ["Confusion"]), (["score", probs, "--task", "uncertainty"], []),
                        (["denoise", votes], ["Labeling functions", "s2"])):
        if os.path.exists(svg):
            os.unlink(svg)
        code = subprocess.run([KARAT, *args, "--plot", svg], capture_output=True, timeout=60)
        if not shows and code.returncode == 2:
            continue
        assert code.returncode == 0, (args, code.stderr)
        text = open(svg, encoding="utf-8").read()
        xml.dom.minidom.parseString(text.encode())
        assert all(s in text for s in shows) and "nan" not in text and "inf" not in text, (args, [s for s in shows if s not in text])
    refused("errors", "--task", "duplicates", path("du.csv", "item,cluster,label\n1,1,a\n2,1,b\n"), "--plot", svg, says="no picture", code=2)
    out = run("errors", "--task", "rate", audit, "--explain")[0]
    assert "Clopper" in out and "5 wrong of 40" in out, out
    out = run("errors", "--labels", labels, "--probs", probs, "--explain")[0]
    assert "threshold(k) =" in out and "worst: i" in out
    refused("errors", "--task", "rate", audit, "--explain", "--json", says="--explain", code=2)
    one = run("denoise", votes, "--explain", "i5")[0]
    terms = [[float(x) for x in re.findall(r"-?\d+\.\d+", line)[:3]] for line in one.splitlines() if line.startswith(("prior", "s"))]
    total = [sum(t[c] for t in terms) for c in range(3)]
    share = [math.exp(t - max(total)) for t in total]
    said = [float(x) for x in one.splitlines()[-1].split()[1:]]
    assert all(abs(s / sum(share) - p) < 1e-3 for s, p in zip(share, said)), (one, share)
    refused("denoise", votes, "--explain", "nobody", says="no item", code=3)


for test in (drawn_and_explained_everywhere, formats, bad_files, odd_votes, explained_and_drawn, labels_and_probabilities, other_tasks):
    try:
        test()
        print(test.__name__, "ok")
    except AssertionError as e:
        failures.append(f"{test.__name__}: {e}")
print("\n".join(failures))
sys.exit(bool(failures))
