"""karat ask: streamed answers come at once and are near a refit, the whole file within 0.001 of `karat aggregate` with the same
pseudo-votes; votes are withdrawn and replaced; verdicts follow target, price and worth; wrong input is refused with its line. Checked
against karat aggregate and against what the options say."""
import csv, io, json, math, os, random, selectors, struct, subprocess, tempfile
import xml.dom.minidom

KARAT = os.environ["KARAT"]
folder = tempfile.TemporaryDirectory()
K = 3
SAME = ["--method", "dawid_skene", "--set", "n_iter=3000", "--set", f"uniform={1.2 / (K - 1)}", "--set", f"right={2.8 - 1.2 / (K - 1)}", "--set", "equal=1",
        "--set", "unnamed=0.2", "--json"]


def path(name, text):
    p = os.path.join(folder.name, name)
    with open(p, "w") as f:
        f.write(text)
    return p


def run(*args, text=None, code=0):
    r = subprocess.run([KARAT, *args], input=text, capture_output=True, text=True, timeout=60)
    assert r.returncode == code, f"{args}: exit {r.returncode}, expected {code}: {r.stderr}"
    return r.stdout if code == 0 else r.stderr


def crowd(n=300):
    rng = random.Random(4)
    truth = [rng.choice("abc") for _ in range(n)]
    votes = [(f"i{i}", f"s{s}", t if rng.random() < 0.5 + 0.05 * s else rng.choice("abc")) for i, t in enumerate(truth) for s in rng.sample(range(9), 4)]
    rng.shuffle(votes)
    return truth, votes


def text_of(votes):
    return "item,annotator,label\n" + "".join(",".join(v) + "\n" for v in votes)


def refit(votes):
    return {i["item"]: i["posterior"] for i in json.loads(run("aggregate", "-", *SAME, text=text_of(votes)))["items"]}


def furthest(got, want):
    off = [abs(got[i][l] - p) for i, post in want.items() for l, p in post.items()]
    return max(off), sum(off) / len(off)


truth, votes = crowd()
whole = json.loads(run("ask", path("v.csv", text_of(votes)), "--json"))
want = refit(votes)
assert furthest({i["item"]: i["posterior"] for i in whole["items"]}, want)[0] < 1e-4
accuracy = {s["annotator"]: s["accuracy"] for s in whole["sources"]}
assert min(accuracy[f"s{s}"] for s in (6, 7, 8)) > max(accuracy[f"s{s}"] for s in (0, 1, 2)), accuracy

# verdicts: sure at the target, else whom and what for; nobody is asked twice; a vote must be worth its price
said = {(i, s) for i, s, _ in votes}
for rows, target in ((whole["items"], 0.95), (json.loads(run("ask", path("v.csv", text_of(votes)), "--json", "--target", "0.7"))["items"], 0.7)):
    for r in rows:
        top = max(r["posterior"].values())
        assert (r["verdict"] == "sure") == (top >= target) and (r["verdict"] == "ask") == bool(r["annotator"]), r
        assert r["posterior"][r["label"]] == top and r["votes"] == 4 and (r["item"], r["annotator"]) not in said
table = list(csv.DictReader(io.StringIO(run("ask", path("v.csv", text_of(votes)), "--price", "10"))))
assert [*table[0]] == ["item", "label", "posterior", "votes", "verdict", "annotator", "gain"]
assert {r["verdict"] for r in table} == {"sure", "not_worth"}
dear = sum(r["verdict"] == "ask" for r in csv.DictReader(io.StringIO(run("ask", path("v.csv", text_of(votes)), "--price", "0.05"))))
free = sum(r["verdict"] == "ask" for r in whole["items"])
rich = sum(r["verdict"] == "ask" for r in csv.DictReader(io.StringIO(run("ask", path("v.csv", text_of(votes)), "--price", "0.05", "--worth", "1000"))))
assert dear < rich <= free, (dear, rich, free)
prices = path("p.csv", "annotator,price\ns8,0.001\nnew,5\n")
assert {r["annotator"] for r in csv.DictReader(io.StringIO(run("ask", path("v.csv", text_of(votes)), "--prices", prices, "--worth", "1")))} <= {"", "s8"}

# the same votes as arrays of numpy, and with a column an annotator: the same answers
def npy(name, rows, kind="<f8"):
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    p = os.path.join(folder.name, name)
    with open(p, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"".join(struct.pack("<d", x) for r in rows for x in r))
    return p


names, at = list(dict.fromkeys(i for i, _, _ in votes)), {(i, s): "abc".index(l) for i, s, l in votes}
matrix = npy("v.npy", [[at.get((i, f"s{s}"), math.nan) for s in range(9)] for i in names])
wide = path("w.csv", "item," + ",".join(f"s{s}" for s in range(9)) + "\n" + "".join(f"{i}," + ",".join("abc"[at[i, f"s{s}"]] if (i, f"s{s}") in at else "" for s in range(9)) + "\n" for i in names))
plain = {i["item"]: i for i in whole["items"]}
for got, item, label in ((json.loads(run("ask", matrix, "--json"))["items"], lambda i: names[int(i)], lambda l: "abc"[int(float(l))]),
                         (json.loads(run("ask", wide, "--json", "--labels", "a,b,c"))["items"], lambda i: i, lambda l: l)):
    assert len(got) == len(names)
    for r in got:
        want_row = plain[item(r["item"])]
        assert all(abs(want_row["posterior"][label(l)] - p) < 1e-4 for l, p in r["posterior"].items()), (r, want_row)
        assert r["verdict"] == want_row["verdict"] or abs(max(r["posterior"].values()) - 0.95) < 2e-3, (r, want_row)
assert "--follow takes rows" in run("ask", matrix, "--follow", code=2)

# an explanation: the offers as they were added up, and the verdict of the table; a picture of both
one = next(i for i in whole["items"] if i["verdict"] == "ask")
told = run("ask", path("v.csv", text_of(votes)), "--explain", one["item"])
assert f"verdict: ask {one['annotator']}" in told and all(f"{l} {p:.6f}" in told for l, p in one["posterior"].items()), told
offers = [x for x in told.splitlines() if " = gain " in x]
assert len(offers) == 5 and sum(" says " in x and "P(it says" in x for x in told.splitlines()) == 4, told
for offer in offers:
    parts, rest = offer.split("): ")[1].split(" = gain ")
    plus, minus = parts.split(" - ")
    assert abs(sum(map(float, plus.split(" + "))) - float(minus) - float(rest.split(";")[0])) < 4e-4, offer
nets = [float(x.rsplit("= ", 1)[1]) for x in offers]
assert nets == sorted(nets, reverse=True)
greedy = run("ask", path("v.csv", text_of(votes)), "--explain", one["item"], "--doubt", "0")
assert f"verdict: ask {offers[0].split()[0]}" in greedy, greedy  # without doubt it is the first of them
assert "there is no item" in run("ask", path("v.csv", text_of(votes)), "--explain", "nobody", code=3)
svg = os.path.join(folder.name, "a.svg")
assert run("ask", path("v.csv", text_of(votes)), "--plot", svg).startswith("item,label,posterior")
words = "".join(n.data for t in xml.dom.minidom.parse(svg).getElementsByTagName("text") for n in t.childNodes)
assert all(f"s{s}" in words for s in range(9)) and "worth another vote" in words
assert "--follow" in run("ask", "-", "--follow", "--plot", svg, text="", code=2)

# a pipe: one line for each vote, before the next is sent; also as JSON lines, with withdrawals, revotes and an item without votes
live = subprocess.Popen([KARAT, "ask", "-", "--follow"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)  # select sees no buffer
ready = selectors.DefaultSelector()
ready.register(live.stdout, selectors.EVENT_READ)


def line():
    assert ready.select(timeout=20), "no answer before the next vote"
    return live.stdout.readline().decode().rstrip("\n").split(",")


def send(text):
    live.stdin.write(text.encode())
    live.stdin.flush()


send("item,annotator,label,withdrawn\n")
assert line()[0] == "item"
got = {}
for i, s, l in votes[:200]:
    send(f"{i},{s},{l},\n")
    r = line()
    got.setdefault(i, []).append(l)
    assert r[0] == i and int(r[3]) == len(got[i]) and r[1] in "abc", r
i, s, l = votes[199]
send(f"{i},{s},,true\n")
r = line()
assert r[0] == i and int(r[3]) == len(got[i]) - 1
send(f"{i},{s},a,no\n{i},{s},b,0\n")
assert int(line()[3]) == int(line()[3]) == len(got[i])
send("empty,s1,,\n")
r = line()
assert r[0] == "empty" and r[1] == "" and r[3] == "0" and r[4] == "ask"
live.stdin.close()
assert live.wait(timeout=20) == 0 and live.stderr.read() == b""
rows = [json.loads(x) for x in run("ask", "-", "--follow", "--json", text="".join(json.dumps({"item": i, "annotator": s, "label": l}) + "\n" for i, s, l in votes)).splitlines()]
assert len(rows) == len(votes)
worst, mean = furthest({r["item"]: {**dict.fromkeys("abc", 0), **r["posterior"]} for r in rows}, want)  # the last answer about each item, some long before the end
assert mean < 0.05, (worst, mean)

# refused, with the place
for bad, says in (("item,label\n1,a\n", ["annotator", "withdrawn"]), ("item,annotator,label\n1,,a\n", [":2", "annotator is empty"]),
                  ("item,annotator,label,withdrawn\n1,a,x,\n2,a,x,yes\n", [":3", "no vote"]), ("item,annotator,label,withdrawn\n1,a,x,maybe\n", ["withdrawn", "maybe"]),
                  ("item,annotator,label\n1,a\n", [":2", "fields"]), ("", ["empty"])):
    err = run("ask", "-", text=bad, code=3)
    assert all(s in err for s in says), (bad, err)
assert "not one of the 2" in run("ask", "-", "--labels", "a,b", text="item,annotator,label\n1,x,c\n", code=3)
for option in (["--target", "2"], ["--price", "-1"], ["--worth", "0"], ["--least", "-1"], ["--doubt", "1"], ["--labels", "a,a"]):
    run("ask", "-", *option, text="", code=2)
assert "price" in run("ask", "-", "--prices", path("q.csv", "annotator,price\na,-1\n"), text="", code=3)
print("karat ask: as it should be")
