"""karat near on plain files. Checked against Jaccard indices computed here and planted copies; every kind of file, streaming rows, and what
must be refused."""
import csv, io, json, os, random, re, struct, subprocess, tempfile, zipfile
import xml.dom.minidom

KARAT = os.environ["KARAT"]
folder = tempfile.TemporaryDirectory()


def run(*args, text=None, code=0):
    r = subprocess.run([KARAT, "near", *args], input=text.encode() if isinstance(text, str) else text, capture_output=True, timeout=60)
    assert r.returncode == code, f"{args}: exit {r.returncode}, expected {code}: {r.stderr.decode()}"
    return r.stdout.decode() if code == 0 else r.stderr.decode()


def shingles(text, n=3):
    words = re.findall("[a-z0-9]+", text.lower())
    return {tuple(words[k:k + n]) for k in range(max(len(words) - n + 1, 1))}


def jaccard(a, b):
    x, y = shingles(a), shingles(b)
    return len(x & y) / len(x | y)


rng = random.Random(2)
vocabulary = ["".join(rng.choice("abcdefgh") for _ in range(6)) for _ in range(5000)]
texts, of = [], []
for k in range(800):
    base = [rng.choice(vocabulary) for _ in range(60)]
    texts.append(" ".join(base))
    of.append(None)
    if k % 2:
        near = list(base)
        near[rng.randrange(60)] = "changed"
        texts.append(" ".join(near).upper().replace(" ", ",  "))
        of.append(len(texts) - 2)
table = "".join(json.dumps({"id": f"t{i}", "text": t}) + "\n" for i, t in enumerate(texts))
rows = list(csv.DictReader(io.StringIO(run("-", text=table))))
assert [*rows[0]] == ["item", "canonical", "jaccard"] and len(rows) == len(texts)
for i, r in enumerate(rows):
    want = i if of[i] is None else of[i]
    assert (r["item"], r["canonical"]) == (f"t{i}", f"t{want}"), r
    assert r["jaccard"] == "" if want == i else abs(float(r["jaccard"]) - jaccard(texts[i], texts[want])) < 1e-9, r
got = json.loads(run("-", "--json", text=table))
assert got["n_items"] == len(texts) and [d["item"] for d in got["duplicates"]] == [f"t{i}" for i in range(len(texts)) if of[i] is not None]
assert json.loads(run("-", "--json", "--threshold", "0.99", text=table))["duplicates"] == []

# the same from CSV and TSV, under another name of the column; rows without a name are numbered
some = [t.replace(",", "") for t in texts[:50]]
for sep in ",\t":
    p = os.path.join(folder.name, "x")
    with open(p, "w") as f:
        f.write(f"body{sep}more\n" + "".join(f"{t}{sep}-\n" for t in some))
    again = list(csv.DictReader(io.StringIO(run(p, "--field", "body"))))
    assert [r["canonical"] for r in again] == [str((i if of[i] is None else of[i]) + 1) for i in range(50)]

# more than one batch of texts; texts without words are near nobody, not even each other
many = "text\n" + "".join(f"w{k} x{k} y{k} z{k}\n" for k in range(20000)) + "w5 x5 y5 z5\n...\n!!!\n"
far = list(csv.DictReader(io.StringIO(run("-", text=many))))
assert far[20000]["canonical"] == "6" and far[20001]["canonical"] == "20002" and far[20002]["canonical"] == "20003" and sum(r["item"] != r["canonical"] for r in far) == 1

# arrays of numpy are the same texts, and a picture has both histograms
def npy(texts):
    width = max(len(t) for t in texts)
    head = f"{{'descr': '<U{width}', 'fortran_order': False, 'shape': ({len(texts)},), }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"".join(t.ljust(width, "\0").encode("utf-32-le") for t in texts)


texts = ["the quick brown fox jumps over the lazy dog", "the quick brown fox jumps over the lazy dog!", "nothing of the kind at all here", "Caf\u00e9 au lait, s'il vous pla\u00eet monsieur"]
names = ["a", "b", "c", "d"]
plain = run("-", text="".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in zip(names, texts)))
with zipfile.ZipFile(os.path.join(folder.name, "t.npz"), "w") as z:
    z.writestr("id.npy", npy(names))
    z.writestr("text.npy", npy(texts))
assert run(z.filename) == plain and plain.splitlines()[2].startswith("b,a,")
with open(os.path.join(folder.name, "t.npy"), "wb") as f:
    f.write(npy(texts))
assert [x.split(",")[1:] for x in run(f.name, "--csv").splitlines()[1:]] == [["1", ""], ["1", "1"], ["3", ""], ["4", ""]]
assert "no column 'body'" in run(z.filename, "--field", "body", code=3)
svg = os.path.join(folder.name, "n.svg")
run(z.filename, "--plot", svg)
words = "".join(n.data for t in xml.dom.minidom.parse(svg).getElementsByTagName("text") for n in t.childNodes)
assert "How alike near duplicates are" in words and "How large their clusters are" in words
assert "does not go with" in run("-", "--compare", "--plot", svg, text="a,b\n", code=2)

# a pair at a time; the empty text has one shingle, the empty one
pair = [json.loads(x) for x in run("-", "--compare", "--json", text='a,b\n"Hello, World again",hello world AGAIN\n"",""\n').splitlines()]
assert [(p["item"], p["jaccard"], p["estimate"], p["shingles_a"]) for p in pair] == [("1", 1, 1, 1), ("2", 1, 1, 1)], pair
assert "1 - (1 - 0.80^5)^10" in run("--explain")

for args, text, code, says in ((["-"], "words\nx\n", 3, "no column 'text'"), (["-"], b"text\nab\xff\n", 3, "not UTF-8"), (["-"], "", 3, "empty"), ([], "", 2, "needs a file"),
                               (["-", "--threshold", "0"], "", 2, "--threshold"), (["-", "--shingle", "x3"], "", 2, "wN"), (["-", "--slots", "1"], "", 2, "--slots"),
                               (["-", "--compare"], "a,c\nx,y\n", 3, "'b'"), (["-", "--compare", "--signatures"], "", 2, "together"), (["-", "--shingle", "w9"], "text\nx\n", 3, "shingles"),
                               (["-", "--field", "t"], "text\nx\n", 3, "no column 't'"), ([os.path.join(folder.name, "none")], "", 3, "cannot open")):
    assert says in run(*args, text=text, code=code), (args, says)
print("karat near: as it should be")
