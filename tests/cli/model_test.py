"""karat model on plain files. Data are planted (what must come out is known); where the shared sets are, real texts, spans, digits and
recorded words are held to floors that a model without its features would not reach. numpy's own search is the judge of the neighbours."""
import csv, gzip, io, json, os, random, struct, subprocess, sys, tempfile, zlib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../python"))
import _numpy  # noqa: E402,F401
import numpy as np  # noqa: E402

KARAT, SHARED = os.environ["KARAT"], os.path.join(os.environ.get("KARAT_SHARED", "../shared"), "data")


def karat(*args, code=0):
    r = subprocess.run([KARAT, *map(str, args)], capture_output=True, text=True, timeout=300)
    assert r.returncode == code, f"karat {' '.join(map(str, args))}: exit {r.returncode}, expected {code}: {r.stderr}"
    return r


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def write(path, header, lines):
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(header)
        w.writerows(lines)


def texts(t):
    """One label, several, and labels below labels, on planted words."""
    g = random.Random(1)
    word = {"sport": ["goal", "team"], "sport/tennis": ["racket", "serve"], "sport/rowing": ["oar", "boat"], "money": ["bank", "rate"]}
    leaf = ["sport/tennis", "sport/rowing", "money"]

    def text(labels):
        w = [g.choice(word[l]) for l in labels for _ in range(2)] + [f"x{g.randrange(30)}" for _ in range(5)]
        g.shuffle(w)
        return " ".join(w)

    def row(i, task):
        l = g.choice(leaf)
        if task == "multi":
            some = [x for x in leaf if g.random() < 0.4]
            return [f"i{i}", text(some), "|".join(some), i // 2]
        return [f"i{i}", text([l]), l if task == "tree" else l.split("/")[-1], i // 2]

    for task in ("single", "multi", "tree"):
        train, test, m = f"{t}/{task}-train.csv", f"{t}/{task}-test.csv", f"{t}/{task}.model"
        write(train, ["item", "text", "label", "group"], [row(i, task) for i in range(300)])
        truth = [row(i, task) for i in range(100)]
        write(test, ["item", "text"], [r[:2] for r in truth])
        assert "labels" in karat("model", "train", m, train, "--set", f"task={task}", "--set", "bits=14").stderr
        got = rows(karat("model", "predict", m, test).stdout)
        right = sum(set(a["label"].split("|")) == set(b[2].split("|")) for a, b in zip(got, truth))
        assert right >= 90 and [r["item"] for r in got] == [r[0] for r in truth], (task, right)
        p = rows(karat("model", "predict", m, test, "--probs").stdout)
        if task == "single":
            assert all(abs(sum(float(v) for k, v in r.items() if k != "item") - 1) < 1e-4 for r in p)
        if task == "tree":
            assert all(abs(float(r["sport"]) - float(r["sport/tennis"]) - float(r["sport/rowing"])) < 1e-4 for r in p)
        j = json.loads(karat("model", "predict", m, test, "--json").stdout)
        assert j["n_items"] == 100 and len(j["items"][0]["probabilities"]) == (4 if task == "tree" else 3)
        cross = rows(karat("model", "cross", train, "--set", f"task={task}").stdout)
        assert len(cross) == 300
        again = karat("model", "train", f"{t}/again.model", train, "--set", f"task={task}", "--set", "bits=14")
        assert open(m, "rb").read() == open(f"{t}/again.model", "rb").read(), "a training is not repeated"

    why = karat("model", "explain", f"{t}/single.model", f"{t}/single-test.csv", "--item", "i0").stdout
    assert any(w in why for l in word.values() for w in l), why
    # wrong labels come out first where probabilities are out of fold
    bad = [row(i, "single") for i in range(300)]
    for i in range(0, 300, 30):
        bad[i][2] = "money" if bad[i][2] != "money" else "rowing"
    write(f"{t}/bad.csv", ["item", "text", "label", "group"], bad)
    with open(f"{t}/p.csv", "w") as f:
        f.write(karat("model", "cross", f"{t}/bad.csv").stdout)
    found = {r["item"] for r in rows(karat("errors", "--labels", f"{t}/bad.csv", "--probs", f"{t}/p.csv").stdout)}
    assert len(found & {f"i{i}" for i in range(0, 300, 30)}) >= 7 and len(found) < 20, found
    # a parent table instead of paths
    write(f"{t}/leaf.csv", ["text", "label"], [[r[1], r[2].split("/")[-1]] for r in (row(i, "tree") for i in range(200))])
    write(f"{t}/parents.csv", ["label", "parent"], [["tennis", "sport"], ["rowing", "sport"]])
    karat("model", "train", f"{t}/p.model", f"{t}/leaf.csv", "--set", "task=tree", "--parents", f"{t}/parents.csv")
    p = rows(karat("model", "predict", f"{t}/p.model", f"{t}/tree-test.csv", "--probs").stdout)
    assert all(abs(float(r["sport"]) - float(r["tennis"]) - float(r["rowing"])) < 1e-4 for r in p)
    # one more label
    write(f"{t}/one.csv", ["text", "label"], [["zebra zebra", "money"]] * 5)
    karat("model", "update", f"{t}/single.model", f"{t}/one.csv")
    write(f"{t}/ask.csv", ["text"], [["zebra"]])
    assert rows(karat("model", "predict", f"{t}/single.model", f"{t}/ask.csv").stdout)[0]["label"] == "money"
    assert json.loads(karat("model", "show", f"{t}/single.model", "--json").stdout)["kind"] == "linear"


def refusals(t):
    m = f"{t}/single.model"
    write(f"{t}/no.csv", ["item", "text"], [["a", "b"]])
    write(f"{t}/new.csv", ["text", "label"], [["a", "chess"]])
    write(f"{t}/one_label.csv", ["text", "label"], [["a", "x"], ["b", "x"]])
    assert "no labels" in karat("model", "train", f"{t}/x.model", f"{t}/no.csv", code=3).stderr
    assert "chess" in karat("model", "update", m, f"{t}/new.csv", code=3).stderr
    assert "2..65535" in karat("model", "train", f"{t}/x.model", f"{t}/one_label.csv", code=3).stderr
    assert "did you mean linear" in karat("model", "train", "x", "y", "--kind", "linar", code=2).stderr
    assert "task" in karat("model", "train", "x", f"{t}/no.csv", "--set", "task=some", code=2).stderr
    assert "no model file" in karat("model", "predict", f"{t}/no.csv", f"{t}/no.csv", code=3).stderr
    assert karat("model", "predict", m, code=2).stderr
    whole = open(m, "rb").read()
    for cut in (len(whole) // 2, len(whole) - 1, 20):
        with open(f"{t}/cut.model", "wb") as f:
            f.write(whole[:cut])
        assert "cut" in karat("model", "predict", f"{t}/cut.model", f"{t}/no.csv", code=4).stderr
    with open(f"{t}/cut.model", "wb") as f:
        f.write(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    karat("model", "predict", f"{t}/cut.model", f"{t}/no.csv", code=4)
    np.save(f"{t}/three.npy", np.ones((4, 3), np.float32))
    np.save(f"{t}/nan.npy", np.array([[1, np.nan], [1, 2]], np.float32))
    write(f"{t}/l.csv", ["label"], [["a"], ["b"]])
    assert "2 labels for 4 rows" in karat("model", "train", "x", f"{t}/three.npy", "--labels", f"{t}/l.csv", "--kind", "knn", code=3).stderr
    assert "finite" in karat("model", "train", "x", f"{t}/nan.npy", "--labels", f"{t}/l.csv", "--kind", "dense", code=3).stderr


def spans(t):
    """Names after a title are people, after 'in' places; as CoNLL lines, a table, and texts with offsets."""
    g = random.Random(2)

    def sentence():
        tokens, tags = [], []
        for _ in range(g.randrange(4, 10)):
            kind = g.randrange(5)
            if kind > 1:
                tokens.append(f"w{g.randrange(40)}"), tags.append("O")
                continue
            tokens.append("in" if kind else "Mr"), tags.append("O")
            for k in range(g.randrange(1, 3)):
                tokens.append(f"Name{g.randrange(50)}"), tags.append(("I-" if k else "B-") + ("place" if kind else "person"))
            tokens.append("then"), tags.append("O")
        return tokens, tags

    def offsets(tokens, tags):
        at, out = 0, []
        for w, tag in zip(tokens, tags):
            if tag[0] == "B":
                out.append({"start": at, "end": at + len(w), "label": tag[2:]})
            elif tag[0] == "I":
                out[-1]["end"] = at + len(w)
            at += len(w) + 1
        return out

    train, test = [sentence() for _ in range(150)], [sentence() for _ in range(60)]
    for name, part in (("train", train), ("test", test)):
        with open(f"{t}/{name}.conll", "w") as f:
            f.write("\n".join("".join(f"{w}\t{tag}\n" for w, tag in zip(*s)) for s in part))
        write(f"{t}/{name}-tokens.csv", ["sentence", "token", "tag"], [[i, w, tag] for i, s in enumerate(part) for w, tag in zip(*s)])
        with open(f"{t}/{name}.jsonl", "w") as f:
            for i, s in enumerate(part):
                f.write(json.dumps({"id": i, "text": "\u00e9 " + " ".join(s[0]), "spans": [{**x, "start": x["start"] + 2, "end": x["end"] + 2} for x in offsets(*s)]}) + "\n")
    for ext in (".conll", "-tokens.csv"):
        karat("model", "train", f"{t}/s.model", f"{t}/train{ext}", "--kind", "crf", "--set", "bits=14")
        with open(f"{t}/got.csv", "w") as f:
            f.write(karat("model", "predict", f"{t}/s.model", f"{t}/test{ext}").stdout)
        score = json.loads(karat("score", f"{t}/got.csv", f"{t}/test-tokens.csv", "--task", "spans", "--json").stdout)
        assert "micro" in json.dumps(score) and [r["tag"] for r in rows(open(f"{t}/got.csv").read())] == [tag for s in test for tag in s[1]], ext
    karat("model", "train", f"{t}/o.model", f"{t}/train.jsonl", "--kind", "crf", "--set", "bits=14")
    got = json.loads(karat("model", "predict", f"{t}/o.model", f"{t}/test.jsonl", "--json").stdout)["items"]
    want = [json.loads(l) for l in open(f"{t}/test.jsonl")]
    for a, b in zip(got, want):
        assert [(s["start"], s["end"], s["label"]) for s in a["spans"]] == [(s["start"], s["end"], s["label"]) for s in b["spans"]], (a, b)
        assert all(s["text"] == b["text"][s["start"]:s["end"]] and 0.3 < s["probability"] <= 1 for s in a["spans"])
    item = next(i for i, s in enumerate(test) if "B-person" in s[1])
    assert "word[-1]=mr" in karat("model", "explain", f"{t}/o.model", f"{t}/test.jsonl", "--item", item).stdout
    cross = rows(karat("model", "cross", f"{t}/train.conll", "--kind", "crf", "--folds", 3).stdout)
    assert len(cross) == sum(len(s[0]) for s in train) and abs(sum(float(v) for k, v in cross[0].items() if k not in ("sentence", "token")) - 1) < 1e-4
    with open(f"{t}/bad.conll", "w") as f:
        f.write("a\tB-x\nb\tmaybe\n")
    assert "maybe" in karat("model", "train", "x", f"{t}/bad.conll", "--kind", "crf", code=3).stderr
    with open(f"{t}/bad.jsonl", "w") as f:
        f.write(json.dumps({"text": "abc", "spans": [{"start": 1, "end": 9, "label": "x"}]}) + "\n")
    assert "code points" in karat("model", "train", "x", f"{t}/bad.jsonl", "--kind", "crf", code=3).stderr


def vectors(t):
    g = np.random.default_rng(3)
    centre = g.normal(size=(5, 24))
    label = g.integers(0, 5, 700)
    x = (centre[label] + 1.5 * g.normal(size=(700, 24))).astype(np.float32)
    np.save(f"{t}/a.npy", x[:500])
    np.save(f"{t}/b.npy", x[500:])
    write(f"{t}/al.csv", ["label"], [[f"c{l}"] for l in label[:500]])
    for kind in ("knn", "prototypes", "dense"):
        karat("model", "train", f"{t}/v.model", f"{t}/a.npy", "--labels", f"{t}/al.csv", "--kind", kind)
        got = [r["label"] for r in rows(karat("model", "predict", f"{t}/v.model", f"{t}/b.npy").stdout)]
        assert np.mean([a == f"c{b}" for a, b in zip(got, label[500:])]) > 0.85, kind
        assert len(rows(karat("model", "cross", f"{t}/a.npy", "--labels", f"{t}/al.csv", "--kind", kind).stdout)) == 500
        assert len(karat("model", "explain", f"{t}/v.model", f"{t}/b.npy", "--item", 3).stdout.splitlines()) > 2
        karat("model", "update", f"{t}/v.model", f"{t}/a.npy", "--labels", f"{t}/al.csv")
    # one neighbour is numpy's nearest
    for metric in ("cosine", "euclidean"):
        karat("model", "train", f"{t}/v.model", f"{t}/a.npy", "--labels", f"{t}/al.csv", "--kind", "knn", "--set", "k=1", "--set", f"metric={metric}")
        a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) if metric == "cosine" else v for v in (x[:500].astype(float), x[500:].astype(float)))
        nearest = ((b[:, None] - a[None]) ** 2).sum(2).argmin(1)
        got = [r["label"] for r in rows(karat("model", "predict", f"{t}/v.model", f"{t}/b.npy").stdout)]
        assert got == [f"c{label[i]}" for i in nearest], metric


def png(path, rgb):
    """A PNG written from its definition, so that the reader is not checked against itself."""
    def chunk(kind, b):
        return struct.pack(">I", len(b)) + kind + b + struct.pack(">I", zlib.crc32(kind + b))
    h, w, _ = rgb.shape
    body = b"".join(b"\0" + rgb[y].tobytes() for y in range(h))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b""))


def ppm(path, rgb):
    with open(path, "wb") as f:
        f.write(b"P6\n# planted\n%d %d\n255\n" % (rgb.shape[1], rgb.shape[0]) + rgb.tobytes())


def wav(path, x, rate, bits=16, channels=1):
    scaled = np.repeat(np.asarray(x)[:, None], channels, 1).ravel()
    if bits == "float":
        data, coding, wide = scaled.astype("<f4").tobytes(), 3, 32
    elif bits == 8:
        data, coding, wide = np.rint(scaled * 127 + 128).astype(np.uint8).tobytes(), 1, 8
    elif bits == 24:
        data, coding, wide = b"".join(struct.pack("<i", int(v))[:3] for v in np.rint(scaled * 8388607)), 1, 24
    else:
        data, coding, wide = np.rint(scaled * 32767).astype("<i2").tobytes(), 1, 16
    block = channels * wide // 8
    with open(path, "wb") as f:
        f.write(b"RIFF" + struct.pack("<I", 50 + len(data)) + b"WAVE" + b"LIST" + struct.pack("<I", 6) + b"hello!" + b"fmt " +
                struct.pack("<IHHIIHH", 16, coding, channels, rate, rate * block, block, wide) + b"data" + struct.pack("<I", len(data)) + data)


def pictures(t):
    """Disks and bars, in PNG and PPM; the same pixels must give the same answer whatever the format."""
    g = np.random.default_rng(5)

    def shape(kind):
        y, x = np.mgrid[0:24, 0:36]
        cy, cx = g.uniform(8, 16), g.uniform(10, 26)
        on = (y - cy) ** 2 + (x - cx) ** 2 < 36 if kind == "disk" else abs(x - cx) < 3 if kind == "pole" else abs(y - cy) < 3
        return (np.where(on[..., None], g.integers(150, 255, 3), 60) + g.integers(0, 30, (24, 36, 3))).astype(np.uint8)

    for part, n in (("train", 30), ("test", 15)):
        for kind in ("disk", "pole", "beam"):
            os.makedirs(f"{t}/{part}/{kind}")
            for i in range(n):
                (png if i % 2 else ppm)(f"{t}/{part}/{kind}/{i}.{'png' if i % 2 else 'ppm'}", shape(kind))
    karat("model", "train", f"{t}/p.model", f"{t}/train", "--kind", "image")
    got = rows(karat("model", "predict", f"{t}/p.model", f"{t}/test").stdout)
    assert len(got) == 45 and np.mean([r["item"].split("/")[0] == r["label"] for r in got]) > 0.9, got
    one = shape("pole")
    png(f"{t}/one.png", one)
    ppm(f"{t}/one.ppm", one)
    write(f"{t}/list.csv", ["path"], [["one.png"], ["one.ppm"]])
    a, b = rows(karat("model", "predict", f"{t}/p.model", f"{t}/list.csv", "--probs").stdout)
    assert {**a, "item": ""} == {**b, "item": ""}
    assert "edges" in karat("model", "explain", f"{t}/p.model", f"{t}/list.csv", "--item", "one.png", "--top", 30).stdout
    for name, bytes_ in (("text.png", b"not a picture"), ("cut.png", open(f"{t}/one.png", "rb").read()[:60]), ("huge.ppm", b"P6 99999 99999 255\n"), ("cut.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF")):
        with open(f"{t}/{name}", "wb") as f:
            f.write(bytes_)
        write(f"{t}/bad.csv", ["path"], [["one.png"], [name]])
        assert name in karat("model", "predict", f"{t}/p.model", f"{t}/bad.csv", code=3).stderr
    write(f"{t}/bad.csv", ["path"], [["nowhere.png"]])
    assert "nowhere" in karat("model", "predict", f"{t}/p.model", f"{t}/bad.csv", code=3).stderr


def sounds(t):
    """Rising and falling tones and noise; the same sound in any coding is nearly the same to the model."""
    g = np.random.default_rng(6)

    def sound(kind):
        n = int(g.uniform(0.3, 0.5) * 8000)
        u = np.arange(n) / 8000
        lo, hi = g.uniform(300, 500), g.uniform(1500, 2500)
        f = lo + (hi - lo) * (u / u[-1] if kind == "up" else 1 - u / u[-1])
        x = g.normal(size=n) if kind == "noise" else np.sin(2 * np.pi * np.cumsum(f) / 8000) + 0.05 * g.normal(size=n)
        return x / np.abs(x).max() * g.uniform(0.1, 0.9)

    for part, n in (("s_train", 12), ("s_test", 8)):
        for kind in ("up", "down", "noise"):
            os.makedirs(f"{t}/{part}/{kind}")
            for i in range(n):
                wav(f"{t}/{part}/{kind}/{i}.wav", sound(kind), 8000)
    karat("model", "train", f"{t}/s.model", f"{t}/s_train", "--kind", "audio")
    got = rows(karat("model", "predict", f"{t}/s.model", f"{t}/s_test").stdout)
    assert len(got) == 24 and np.mean([r["item"].split("/")[0] == r["label"] for r in got]) > 0.9, got
    x = sound("up")
    names = []
    for bits, channels in ((16, 1), (24, 1), ("float", 1), (16, 2), (24, 2)):
        names.append([f"c{bits}_{channels}.wav"])
        wav(f"{t}/{names[-1][0]}", x, 8000, bits, channels)
    write(f"{t}/list.csv", ["path"], names)
    p = np.array([[float(v) for k, v in r.items() if k != "item"] for r in rows(karat("model", "predict", f"{t}/s.model", f"{t}/list.csv", "--probs").stdout)])
    assert np.abs(p - p[0]).max() < 0.02, p
    for name, bytes_ in (("no.wav", b"RIFFxxxxAVI "), ("cut.wav", open(f"{t}/c16_1.wav", "rb").read()[:30]), ("short.wav", open(f"{t}/c16_1.wav", "rb").read()[:70])):
        with open(f"{t}/{name}", "wb") as f:
            f.write(bytes_)
        write(f"{t}/bad.csv", ["path"], [[name]])
        assert name in karat("model", "predict", f"{t}/s.model", f"{t}/bad.csv", code=3).stderr


def real(t):
    """Floors on real sets, well under what is reached (bench/README.md has that)."""
    if not os.path.isdir(SHARED):
        return print("skipped: the shared sets are not here")
    with open(f"{SHARED}/text-cooking-multilabel/cooking-train.jsonl") as f:
        train = [json.loads(l) for l in f]
    write(f"{t}/cook.csv", ["text", "label"], [[r["text"], "|".join(k for k, v in r["cats"].items() if v)] for r in train])
    karat("model", "train", f"{t}/cook.model", f"{t}/cook.csv", "--set", "task=multi")
    with open(f"{SHARED}/text-cooking-multilabel/cooking-dev.jsonl") as f:
        dev = [json.loads(l) for l in f]
    write(f"{t}/dev.csv", ["text"], [[r["text"]] for r in dev])
    got = [set(r["label"].split("|")) - {""} for r in rows(karat("model", "predict", f"{t}/cook.model", f"{t}/dev.csv").stdout)]
    want = [{k for k, v in r["cats"].items() if v} for r in dev]
    hits, said, are = (sum(len(x) for x in v) for v in ([a & b for a, b in zip(got, want)], got, want))
    assert 2 * hits / (said + are) > 0.6, (hits, said, are)
    for name in os.listdir(f"{SHARED}/audio-fsdd"):
        if name.endswith(".wav"):
            d = f"{t}/{'f_test' if name.endswith('_4.wav') else 'f_train'}/{name[0]}"
            os.makedirs(d, exist_ok=True)
            os.symlink(f"{os.path.abspath(SHARED)}/audio-fsdd/{name}", f"{d}/{name}")
    karat("model", "train", f"{t}/f.model", f"{t}/f_train", "--kind", "audio")
    got = rows(karat("model", "predict", f"{t}/f.model", f"{t}/f_test").stdout)
    assert np.mean([r["item"][0] == r["label"] for r in got]) > 0.85
    raw = gzip.open(f"{SHARED}/image-mnist-label-errors/t10k-images-idx3-ubyte.gz").read()[16:]
    labels = gzip.open(f"{SHARED}/image-mnist-label-errors/t10k-labels-idx1-ubyte.gz").read()[8:]
    for i in range(3000):
        d = f"{t}/{'m_test' if i % 3 == 0 else 'm_train'}/{labels[i]}"
        os.makedirs(d, exist_ok=True)
        with open(f"{d}/{i}.pgm", "wb") as f:
            f.write(b"P5 28 28 255\n" + raw[784 * i:784 * (i + 1)])
    karat("model", "train", f"{t}/m.model", f"{t}/m_train", "--kind", "image")
    got = rows(karat("model", "predict", f"{t}/m.model", f"{t}/m_test").stdout)
    assert np.mean([r["item"][0] == r["label"] for r in got]) > 0.95
    karat("model", "train", f"{t}/c.model", f"{SHARED}/image-cifar10-sample", "--kind", "image")  # JPEG
    assert json.loads(karat("model", "show", f"{t}/c.model", "--json").stdout)["labels"][0] == "airplane"


with tempfile.TemporaryDirectory() as t:
    for f in (texts, refusals, spans, vectors, pictures, sounds, real):
        f(t)
assert "--set task=" in karat("list", "model_kinds").stdout
