"""karat aggregate as a person uses it: the default with its warning, tables of annotators, --explain, --plot, files beside the votes,
answers that are not labels, and errors that say what to do. Checked against votes made here, whose truth is known."""
import csv, io, json, os, random, subprocess, sys, tempfile
import xml.dom.minidom

KARAT = os.environ["KARAT"]
folder = tempfile.TemporaryDirectory()


def path(name, text=None):
    p = os.path.join(folder.name, name)
    if text is not None:
        with open(p, "w") as f:
            f.write(text)
    return p


def karat(*args, text="", code=0):
    r = subprocess.run([KARAT, "aggregate", *args], input=text, capture_output=True, text=True, timeout=60)
    assert r.returncode == code, f"{args}: exit {r.returncode}, expected {code}: {r.stderr}"
    return r


def crowd(n=600, labels="abc", careless=4):
    """Eight annotators, half of whom guess most of the time and lean to the first label."""
    rng = random.Random(1)
    truth = [rng.choice(labels) for _ in range(n)]
    rows = ["item,annotator,label"]
    for i, t in enumerate(truth):
        for s in rng.sample(range(8), 4):
            good = rng.random() < (0.35 if s < careless else 0.92)
            rows.append(f"i{i},s{s},{t if good else labels[0] if rng.random() < .6 else rng.choice(labels)}")
    return "\n".join(rows) + "\n", truth


votes, truth = crowd()
file = path("votes.csv", votes)

# the default beats the majority here, and says on stderr how far and why they differ; stdout stays clean
best, heads = karat(file), karat(file, "--method", "majority_vote")
right = [sum(r["label"] == truth[int(r["item"][1:])] for r in csv.DictReader(io.StringIO(x.stdout))) for x in (best, heads)]
assert right[0] > right[1] + 20, right
assert "warning: auto and the majority give different labels to" in best.stderr and "annotators are right from" in best.stderr, best.stderr
assert heads.stderr == "" and karat(file, "--method", "majority").stdout == heads.stdout

# annotators with intervals: the careful ones above the careless ones
rows = list(csv.DictReader(io.StringIO(karat(file, "--sources", "-").stdout)))
assert [*rows[0]] == ["annotator", "votes", "accuracy", "low", "high"] and len(rows) == 8
acc = {r["annotator"]: [float(r[k]) for k in ("low", "accuracy", "high")] for r in rows}
assert all(a[0] < a[1] < a[2] for a in acc.values()) and max(acc[f"s{s}"][2] for s in range(4)) < min(acc[f"s{s}"][0] for s in range(4, 8)), acc

# JSON: evidence of items, intervals, how far from the majority
got = json.loads(karat(file, "--json").stdout)
assert got["method"] == "auto" and got["n_items"] == 600 and got["against_majority"]["differ"] > 0
assert all(i["votes"] == 4 and i["votes_for"] <= 4 and abs(sum(i["posterior"].values()) - 1) < 1e-9 for i in got["items"])
assert all(len(s["ci95"]) == 2 for s in got["sources"])

# an explanation ends in the posterior of the table; a plot is well-formed
one = karat(file, "--explain", "i7").stdout
assert "posterior(c) =" in one and "item i7, 4 votes" in one
post = got["items"][[i["item"] for i in got["items"]].index("i7")]["posterior"]
assert all(f"{label} {p:.6f}" in one for label, p in post.items()), one
for method in ("dawid_skene", "one_coin_dawid_skene", "mace", "glad", "wawa", "spectral"):
    assert "label:" in karat(file, "--method", method, "--explain", "i7").stdout
karat(file, "--plot", path("a.svg"))
assert xml.dom.minidom.parse(path("a.svg")).documentElement.tagName == "svg"

# files beside the votes: gold is kept, a model's probabilities help
gold = path("gold.csv", "item,label\n" + "".join(f"i{i},{truth[i]}\n" for i in range(0, 600, 3)))
labels = {r["item"]: r["label"] for r in csv.DictReader(io.StringIO(karat(file, "--gold", gold).stdout))}
assert all(labels[f"i{i}"] == truth[i] for i in range(0, 600, 3))
probs = path("probs.csv", "item,a,b,c\n" + "".join(f"i{i}," + ",".join("0.8" if t == l else "0.1" for l in "abc") + "\n" for i, t in enumerate(truth)))
labels = {r["item"]: r["label"] for r in csv.DictReader(io.StringIO(karat(file, "--probs", probs).stdout))}
assert sum(labels[f"i{i}"] == t for i, t in enumerate(truth)) > right[0]

# answers that are not labels
text = "item,annotator,text\n1,a,the cat sat\n1,b,the cat sat down\n1,c,a cat sat down\n"
assert json.loads(karat("-", "--method", "rover", "--json", text=text).stdout)["items"][0]["text"] == "the cat sat down"
assert [round(p, 3) for p in json.loads(karat("-", "--method", "rover", "--json", text=text).stdout)["items"][0]["posterior"]] == [0.667, 1, 1, 0.667]
mask = json.loads(karat("-", "--method", "segmentation", "--json", text="item,annotator,mask\n1,a,01/11\n1,b,01/10\n1,c,00/11\n").stdout)
assert [round(p, 3) for p in mask["items"][0]["posterior"]] == [0, 0.667, 1, 0.667] and all(s["ci95"][0] <= s["accuracy"] <= s["ci95"][1] for s in mask["sources"])
assert karat("-", "--method", "medoid", text=text).stdout.splitlines()[1].startswith("1,the cat sat down,")
assert "1,a|b" in karat("-", "--method", "multi_label", text="item,annotator,labels\n1,x,a|b\n1,y,b|a\n1,z,a|b|c\n2,x,c\n2,y,c\n2,z,\n").stdout
number = list(csv.DictReader(io.StringIO(karat("-", "--method", "numeric", text="item,annotator,value\n1,a,1\n1,b,3\n2,a,5\n2,b,7\n").stdout)))
assert float(number[0]["low"]) < float(number[0]["value"]) < float(number[0]["high"])
spans = "item,annotator,label,start,end\nd1,a,PER,0,5\nd1,b,PER,0,6\nd1,c,LOC,0,5\nd1,a,ORG,20,30\nd2,a,,,\nd2,b,,,\n"
assert karat("-", "--method", "spans", text=spans).stdout.splitlines()[1].startswith("d1,PER,0,5,")
boxes = json.loads(karat("-", "--method", "boxes", "--json", text="item,annotator,label,x1,y1,x2,y2\ni,a,cat,0,0,10,10\ni,b,cat,1,0,10,10.5\ni,c,,,,,\n").stdout)
assert boxes["regions"][0]["label"] == "cat" and boxes["regions"][0]["looked"] == 3 and boxes["regions"][0]["votes_for"] == 2
assert karat("-", "--method", "plackett_luce", text="ranking\na>b>c\nb>a>c\nc>a>b\n").stdout.startswith("thing,strength,low,high\na,")

assert karat("-", "--method", "segments", text=spans).stdout.splitlines()[1].startswith("d1,PER,0,5,")
square = "item,annotator,label,polygon\ni,a,cat,0 0 10 0 10 10 0 10\ni,b,cat,\"1,0 11,0 11,10 1,10\"\ni,c,cat,[[0.5 0] [10.5 0] [10.5 10] [0.5 10]]\nj,a,,\n"
polygon = json.loads(karat("-", "--method", "polygons", "--json", text=square).stdout)["regions"][0]
assert polygon["kept"] and polygon["votes_for"] == 3 and abs(min(polygon["polygon"][::2]) - 0.5) < 0.1 and abs(max(polygon["polygon"][::2]) - 10.5) < 0.1
assert karat("-", "--method", "polygons", text=square).stdout.startswith("item,label,polygon,there\ni,cat,")
points = "item,annotator,label,keypoints\ni,a,p,0 0 2 10 10 2 0 0 0\ni,b,p,0 1 2 10 11 1 0 0 0\ni,c,p,0 0 2 10 10 2 0 0 0\n"
assert karat("-", "--method", "keypoints", text=points).stdout.splitlines()[1].rpartition(",")[0].endswith(" 0 0 0")
tree = path("tree.csv", "child,parent\ncat,animal\ndog,animal\nanimal,\ncar,\n")
nodes = "item,annotator,label\n1,a,cat\n1,b,dog\n1,c,animal\n2,a,car\n2,b,\n3,a,cat\n3,b,cat\n3,c,cat\n"
rows = list(csv.DictReader(io.StringIO(karat("-", "--method", "taxonomy", "--taxonomy", tree, text=nodes).stdout)))
assert [r["label"] for r in rows] == ["animal", "car", "cat"] and float(rows[0]["posterior"]) > 0.9
ways = nodes.replace("cat", "animal/cat").replace("dog", "animal/dog")
assert [r["label"] for r in csv.DictReader(io.StringIO(karat("-", "--method", "taxonomy", text=ways).stdout))] == ["animal", "car", "animal/cat"]
tags = "item,annotator,tags\n1,a,O B-x I-x O\n1,b,O B-x I-x O\n1,c,O O B-x O\n"
assert karat("-", "--method", "sequences", text=tags).stdout.splitlines()[1].startswith("1,O B-x I-x O,")
spans = json.loads(karat("-", "--method", "sequences", "--json", text=tags).stdout)["items"][0]["spans"]
assert [(s["from"], s["to"], s["votes_for"], s["looked"]) for s in spans] == [(1, 3, 2, 3)]
ring = "item,annotator,label\n" + "".join(f"{i},h{a},{'xyz'[(i * i + (0 if (i * 7 + a * 13) % 10 < 7 else a % 2 + 1)) % 3]}\n" for i in range(200) for a in range(6))
ring += "".join(f"{i},c{a},{'xyz'[(i * i + (i // 3) % 3) % 3]}\n" for i in range(200) for a in range(4))
assert "counted once" in karat("-", text=ring).stderr and '"copying":' in karat("-", "--method", "dawid_skene", "--set", "correlated=yes", "--json", text=ring).stdout

# errors: what, where, what to do; never a crash
for args, text, code, words in (
        (["-", "--method", "dawid_skeen"], votes, 2, "did you mean"),
        (["-", "--explain", "nobody"], votes, 3, "there is no item nobody"),
        (["-", "--method", "mace", "--gold", gold], votes, 2, "--gold goes with"),
        (["-", "--method", "crowdlab"], votes, 2, "--probs FILE"),
        (["-", "--method", "weighted_majority_vote"], votes, 2, "--weights FILE"),
        (["-", "--method", "weighted_majority_vote", "--weights", path("w.csv", "annotator,weight\ns0,nan\n")], votes, 3, "weights are numbers"),
        (["-", "--probs", path("p1.csv", "item,a,b,c\ni0,0.5,0.5,0.5\n")], "item,annotator,label\ni0,s,a\n", 3, "sum to 1.5"),
        (["-", "--probs", path("p2.csv", "item,a,b,c\ni1,0.5,0.5,0\n")], "item,annotator,label\ni0,s,a\n", 3, "i0 has no number"),
        (["-", "--probs", path("p3.csv", "item,a,b,c\ni0,0.5,half,0\n")], "item,annotator,label\ni0,s,a\n", 3, "is not a number"),
        (["-"], "item,annotator,label\n1,a,x\n1,a,y\n", 3, "votes twice"),
        (["-"], "", 3, "the file is empty"),
        (["-", "--method", "numeric"], "item,annotator,value\n1,a,much\n", 3, "'much' is not a number"),
        (["-", "--method", "segmentation"], "item,annotator,mask\n1,a,01\n1,b,011\n", 3, "pixels"),
        (["-", "--method", "bradley_terry"], "left,right,winner\na,b,c\n", 3, ":2:"),
        (["-", "--method", "boxes"], "item,annotator,label,x1,y1,x2,y2\ni,a,cat,0,0,-1,10\n", 3, "before its start"),
        (["-", "--method", "spans"], "item,annotator,label,start,end\ni,a,cat,0,x\n", 3, "'x' is not a number"),
        (["-", "--method", "polygons"], "item,annotator,label,polygon\ni,a,cat,0 0 2 10\n", 3, "three corners"),
        (["-", "--method", "polygons"], "item,annotator,label,polygon\ni,a,cat,0 0 2 x\n", 3, ":2: polygon"),
        (["-", "--method", "keypoints"], "item,annotator,label,keypoints\ni,a,p,0 0 2\ni,b,p,0 0 2 1 1 2\n", 3, "the first skeleton has 3"),
        (["-", "--method", "keypoints"], "item,annotator,label,keypoints\ni,a,p,0 0 7\n", 3, "being seen"),
        (["-", "--method", "taxonomy", "--taxonomy", tree], "item,annotator,label\n1,a,cow\n", 3, "not in the tree"),
        (["-", "--method", "taxonomy", "--taxonomy", path("ring.csv", "child,parent\na,b\nb,a\n")], "item,annotator,label\n1,a,a\n", 3, "below itself"),
        (["-", "--taxonomy", tree], votes, 2, "--method taxonomy"),
        (["-", "--method", "sequences"], "item,annotator,tags\n1,a,O O\n1,b,O\n", 3, ":3: tags"),
        (["-", "--method", "sequences"], "item,annotator,tags\n1,a,O Q\n", 3, "no tag"),
        (["-", "--method", "dawid_skene", "--set", "correlated=yes", "--set", "abstain=speaks"], votes, 2, "do not go together"),
        (["-", "--method", "rover"], "item,who,text\n1,a,b\n", 3, "no column 'annotator'"),
        (["-", "--method", "rover"], "item,annotator,text\n1,\"a,b\n", 3, "does not end"),
        (["-", "--method", "rover", "--gold", gold], text, 2, "rover takes --set, --duplicates, --json"),
        (["-", "--sources"], votes, 2, "--sources FILE"),
        (["-", "--set", "n_iter=1"], votes, 2, "no option n_iter")):
    err = karat(*args, text=text, code=code).stderr
    assert words in err, f"{args}: {err}"

# what is barely there: one vote, one label, only abstentions, one annotator
for text in ("item,annotator,label\n1,a,x\n", "item,annotator,label\n1,a,\n1,b,\n", "item,annotator,label\n1,a,x\n2,a,x\n3,a,x\n",
             "item,annotator,label\n"):
    for method in ("auto", "dawid_skene", "mace", "glad", "spectral", "ordinal", "fast_dawid_skene"):
        assert karat("-", "--method", method, text=text).stdout.startswith("item,label,posterior\n")
print("ok: default and warning, annotators, explanation, plot, files beside, other answers, errors, small inputs")
