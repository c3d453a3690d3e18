"""kinds.py KARAT: what the kinds of karat model reach on real sets, and how long that takes: several labels, labels below labels beside the flat
model on the same texts, spans, neighbours beside numpy, digits, photos and spoken words. Everything goes through files, as a user's would."""
import csv, gzip, io, json, math, os, subprocess, sys, tempfile, time

import crfsuite_side
import learn_data
import numpy as np

karat = os.path.realpath(sys.argv[1])
shared = learn_data.shared


def run(*args):
    t = time.monotonic()
    r = subprocess.run([karat, "model", *map(str, args)], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return r.stdout, time.monotonic() - t


def write(path, header, lines):
    with open(path, "w", newline="") as f:
        csv.writer(f).writerows([header, *lines])
    return path


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def line(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def leaves(model, test, truth, t):
    """Accuracy and log loss over the leaves."""
    p = rows(run("predict", model, write(f"{t}/ask.csv", ["text"], [[x] for x in test]), "--probs")[0])
    names = sorted(set(truth))
    m = np.array([[float(r.get(n, 0)) for n in names] for r in p])
    m /= m.sum(1, keepdims=True)
    own = np.array([names.index(y) for y in truth])
    return (m.argmax(1) == own).mean(), -np.log(np.maximum(m[np.arange(len(own)), own], 1e-9)).mean()


def flat_and_tree(name, train, test, up, t):
    """up: the group of a label; paths are group/label."""
    path = {l: f"{up(l)}/{l}" for l in {l for l, _ in train}}
    test = [(l, x) for l, x in test if l in path]
    data = write(f"{t}/train.csv", ["text", "label"], [[x, path[l]] for l, x in train])
    got = []
    for task in ("single", "tree"):
        _, s = run("train", f"{t}/m", data, "--set", f"task={task}")
        got += [*leaves(f"{t}/m", [x for _, x in test], [path[l] for l, _ in test], t), s]
    line(name, len(train), f"{len(path)} in {len({up(l) for l in path})}", f"{got[0]:.4f}, {got[1]:.3f}, {got[2]:.1f} s", f"{got[3]:.4f}, {got[4]:.3f}, {got[5]:.1f} s")


def intent_group(l):
    for word in ("top_up", "topping_up", "transfer", "cash_withdrawal", "atm", "exchange", "pin", "refund", "fiat", "verify", "identity", "card_payment", "virtual",
                 "disposable", "card", "age", "country"):
        if word in l:
            return {"topping_up": "top_up", "atm": "cash_withdrawal", "identity": "verify", "fiat": "exchange", "disposable": "virtual"}.get(word, word)
    return "other"


def section_group(s):
    groups = {"code": "python perl ruby rust golang javascript java haskell ocaml lisp php gnu-r interpreters cli-mono".split(), "libraries": "libs libdevel oldlibs introspection".split(),
              "desktop": "gnome kde xfce x11 graphics fonts gnustep".split(), "net": "net web mail news comm httpd zope".split(),
              "science": "science math electronics education hamradio".split(), "media": "sound video games".split(),
              "system": "admin utils shells kernel otherosfs embedded debug vcs database devel".split(), "words": "doc text editors localization tex translations".split()}
    return next((g for g, v in groups.items() if s in v), "misc")


SUITE = [("c2=1",), ("c2=0.1",)]  # its default, and less; the Japanese set has it for 100 rounds, which take minutes


def spans(t):
    print("\n| spans (crf) | sentences | training | precision | recall | F1 |\n|---|---|---|---|---|---|")
    folder = os.environ.get("CRFSUITE")
    suite = crfsuite_side.build(folder, t) if folder else print("CRFSUITE is not set: nothing beside the tagger (bench/crfsuite_side.py)", file=sys.stderr)

    def score(name, train, test, truth, beside=()):
        _, s = run("train", f"{t}/s", train, "--kind", "crf")
        out, _ = run("predict", f"{t}/s", test)
        with open(f"{t}/got.csv", "w") as f:
            f.write(out)
        measure(name, train, s, truth)
        for settings in beside if suite else []:
            s, tags = crfsuite_side.tag(suite, train, test, t, *settings)
            known = crfsuite_side.sentences(test)
            write(f"{t}/got.csv", ["sentence", "token", "tag"], [[i, w, g] for i, x in enumerate(known) for (w, _), g in zip(x, tags[i])])
            measure(f"… CRFsuite, the same features, {' '.join(settings)}", train, s, truth)

    def measure(name, train, s, truth):
        r = json.loads(subprocess.run([karat, "score", f"{t}/got.csv", truth, "--task", "spans", "--json"], capture_output=True, text=True, check=True).stdout)
        m = r.get("micro") or r["micro avg"] if isinstance(r, dict) and ("micro" in r or "micro avg" in r) else next(x for x in r["types"] if "micro" in x["type"])
        line(name, sum(1 for x in open(train) if not x.strip()), f"{s:.1f} s", *(f"{m[k]:.3f}" for k in ("precision", "recall", "f1")))

    def table(conll, path):
        n, any_, out = 0, False, []
        for l in open(conll, encoding="utf-8"):
            c = l.rstrip("\n").split("\t")
            if not c[0].strip():
                n, any_ = n + any_, False
                continue
            any_ = True
            out.append([n, c[0], c[-1]])
        return write(path, ["sentence", "token", "tag"], out)

    folder = f"{shared}/ner-wnut17"
    for name in ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"):
        with open(f"{t}/{name.split('.')[-2] if name[0] == 'e' else 'train'}.conll", "w") as f:
            f.write(open(f"{folder}/{name}", encoding="utf-8").read())
    score("WNUT-17, emerging entities, dev", f"{t}/train.conll", f"{t}/dev.conll", table(f"{t}/dev.conll", f"{t}/truth.csv"))
    score("WNUT-17, test", f"{t}/train.conll", f"{t}/test.conll", table(f"{t}/test.conll", f"{t}/truth.csv"), SUITE)
    ja = json.load(open(next(f"{shared}/ner-ja-wikipedia/{f}" for f in os.listdir(f"{shared}/ner-ja-wikipedia") if f.endswith(".json")), encoding="utf-8"))
    for part, keep in (("jatrain", lambda i: i % 5), ("jatest", lambda i: not i % 5)):
        with open(f"{t}/{part}.conll", "w", encoding="utf-8") as f:
            for i, r in enumerate(ja):
                if not keep(i):
                    continue
                tag = ["O"] * len(r["text"])
                for e in r["entities"]:
                    a, b = e["span"]
                    tag[a:b] = ["B-" + e["type"]] + ["I-" + e["type"]] * (b - a - 1)
                f.write("".join(f"{c}\t{g}\n" for c, g in zip(r["text"], tag) if c.strip()) + "\n")
    score("Japanese Wikipedia, by characters", f"{t}/jatrain.conll", f"{t}/jatest.conll", table(f"{t}/jatest.conll", f"{t}/truth.csv"), [("c2=0.1", "max_iterations=100")])


def rows_of_numbers(t):
    raw = np.frombuffer(gzip.open(f"{shared}/image-mnist-label-errors/t10k-images-idx3-ubyte.gz").read()[16:], np.uint8).reshape(-1, 784)
    y = np.frombuffer(gzip.open(f"{shared}/image-mnist-label-errors/t10k-labels-idx1-ubyte.gz").read()[8:], np.uint8)
    x = raw.astype(np.float32) / 255
    np.save(f"{t}/a.npy", x[:8000]), np.save(f"{t}/b.npy", x[8000:])
    write(f"{t}/l.csv", ["label"], [[v] for v in y[:8000]])
    print("\n| MNIST, 8,000 to train, 2,000 to test | training | prediction | accuracy |\n|---|---|---|---|")
    for kind in ("knn", "prototypes", "dense"):
        _, s = run("train", f"{t}/v", f"{t}/a.npy", "--labels", f"{t}/l.csv", "--kind", kind)
        out, p = run("predict", f"{t}/v", f"{t}/b.npy")
        line(kind + " on pixels", f"{s:.2f} s", f"{p:.2f} s", f"{np.mean([int(r['label']) == v for r, v in zip(rows(out), y[8000:])]):.4f}")
    for i in range(len(y)):
        d = f"{t}/{'train' if i < 8000 else 'test'}/{y[i]}"
        os.makedirs(d, exist_ok=True)
        with open(f"{d}/{i}.pgm", "wb") as f:
            f.write(b"P5 28 28 255\n" + raw[i].tobytes())
    media("image", "image, from 10,000 files", t, "train", "test")


def media(kind, name, t, train, test):
    _, s = run("train", f"{t}/v", f"{t}/{train}", "--kind", kind)
    out, p = run("predict", f"{t}/v", f"{t}/{test}")
    line(name, f"{s:.2f} s", f"{p:.2f} s", f"{np.mean([r['item'].split('/')[0] == r['label'] for r in rows(out)]):.4f}")


def link(t, source, to):
    os.makedirs(os.path.dirname(f"{t}/{to}"), exist_ok=True)
    os.symlink(os.path.abspath(source), f"{t}/{to}")


def sounds_and_photos(t):
    print("\n| other sets | training | prediction | accuracy |\n|---|---|---|---|")
    for f in sorted(os.listdir(f"{shared}/audio-fsdd")):
        if f.endswith(".wav"):
            digit, who, take = f[:-4].split("_")
            link(t, f"{shared}/audio-fsdd/{f}", f"{'takes_test' if take == '4' else 'takes_train'}/{digit}/{f}")
            link(t, f"{shared}/audio-fsdd/{f}", f"{'who_test' if who == 'theo' else 'who_train'}/{digit}/{f}")
    media("audio", "spoken digits, 240 recordings, the fifth takes", t, "takes_train", "takes_test")
    media("audio", "spoken digits, 250 recordings, a voice not heard before", t, "who_train", "who_test")
    for c in os.listdir(f"{shared}/image-cifar10-sample"):
        if os.path.isdir(f"{shared}/image-cifar10-sample/{c}"):
            for i, f in enumerate(sorted(os.listdir(f"{shared}/image-cifar10-sample/{c}"))):
                link(t, f"{shared}/image-cifar10-sample/{c}/{f}", f"{'c_train' if i % 5 else 'c_test'}/{c}/{f}")
    media("image", "CIFAR-10, 40 photos of each of 10 classes", t, "c_train", "c_test")


def neighbours(t):
    """All neighbours of a set within itself, in memory, through libkarat; numpy: products in blocks, then a partial sort."""
    sys.path.insert(0, f"{learn_data.root}/python")
    os.environ.setdefault("KARAT_LIBRARY", f"{os.path.dirname(karat)}/libkarat.so")
    import karat as k
    g = np.random.default_rng(1)
    print("\n| 10 nearest of 2,000 queries among n rows of 128 | karat.KNN | numpy | |\n|---|---|---|---|")
    for n in (20000, 200000):
        x, q = g.normal(size=(n, 128)).astype(np.float32), g.normal(size=(2000, 128)).astype(np.float32)
        m = k.KNN(k=10, metric="euclidean").fit(x, [str(i % 7) for i in range(n)])
        a = time.monotonic()
        m.predict_proba(q)
        a, b, half = time.monotonic() - a, time.monotonic(), (x * x).sum(1) / 2
        for i in range(0, len(q), 200):
            np.argpartition(half - q[i:i + 200] @ x.T, 10, axis=1)[:, :10]
        b = time.monotonic() - b
        line(f"n = {n:,}", f"{a:.2f} s", f"{b:.2f} s", f"{b / a:.1f} times faster")


with tempfile.TemporaryDirectory() as t:
    with open(f"{shared}/text-cooking-multilabel/cooking-train.jsonl") as f:
        train = [json.loads(l) for l in f]
    with open(f"{shared}/text-cooking-multilabel/cooking-dev.jsonl") as f:
        dev = [json.loads(l) for l in f]
    _, s = run("train", f"{t}/m", write(f"{t}/c.csv", ["text", "label"], [[r["text"], "|".join(k for k, v in r["cats"].items() if v)] for r in train]), "--set", "task=multi")
    got = [set(r["label"].split("|")) - {""} for r in rows(run("predict", f"{t}/m", write(f"{t}/d.csv", ["text"], [[r["text"]] for r in dev]))[0])]
    want = [{k for k, v in r["cats"].items() if v} for r in dev]
    hits, said, are = (sum(map(len, v)) for v in ([a & b for a, b in zip(got, want)], got, want))
    print(f"several labels: cooking questions, 2,000 to train, 11 tags: {s:.2f} s, precision {hits / said:.3f}, recall {hits / are:.3f}, F1 {2 * hits / (said + are):.3f}")
    print("\n| labels below labels | texts | labels | flat: accuracy, log loss, training | tree |\n|---|---|---|---|---|")
    pool, test = learn_data.SETS["banking77"]()
    for n in (500, 2000, len(pool)):
        flat_and_tree("Banking77, grouped by words of their names", pool[::max(1, len(pool) // n)][:n], test, intent_group, t)
    pair = learn_data.packages()
    if pair:
        for n in (2000, 10000, len(pair[0])):
            flat_and_tree("package descriptions, sections in groups", pair[0][:n], pair[1], section_group, t)
    spans(t)
    rows_of_numbers(t)
    sounds_and_photos(t)
    neighbours(t)
