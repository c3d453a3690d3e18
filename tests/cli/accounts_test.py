"""What karat aggregate says of itself is there for answers of every kind, alike: --sources (CSV, JSON, instead of the answers), --plot, --explain
with the numbers of one item, and all of it in one command. Checked against the answers printed as JSON, and against truth planted here."""
import csv, io, json, os, random, subprocess, tempfile
import xml.dom.minidom

from kit import KARAT, check, end

folder = tempfile.TemporaryDirectory()
rng = random.Random(3)
PEOPLE = ["ada", "bob", "cyd", "dan", "eve"]
LIES = {"ada": .02, "bob": .05, "cyd": .08, "dan": .1, "eve": .6}  # eve is careless


def run(*args, text, code=0):
    r = subprocess.run([KARAT, "aggregate", "-", *args], input=text, capture_output=True, text=True, timeout=60)
    assert r.returncode == code, f"{args}: exit {r.returncode}, expected {code}: {r.stderr}"
    return r


def table(header, cell, n=40):
    """n items answered by everybody; cell: (item, wrong) -> what stands after item and annotator."""
    return header + "\n" + "".join(f"i{i},{p},{cell(i, rng.random() < LIES[p])}\n" for i in range(n) for p in PEOPLE)


def box(i, wrong):
    at = rng.uniform(20, 60) if wrong else i % 7 * 3
    e = 3 if wrong else .3
    return "cat," + ",".join(f"{at + x + rng.gauss(0, e):.2f}" for x in (0, 0)) + "," + ",".join(f"{at + x + rng.gauss(0, e):.2f}" for x in (20, 20))


def polygon(i, wrong):
    x, y, s = (40, 40, 9) if wrong else (i % 5, i % 3, 10 + rng.gauss(0, .2))
    return f"cat,{x} {y} {x + s:.2f} {y} {x + s:.2f} {y + s:.2f} {x} {y + s:.2f}"


def span(i, wrong):
    at = 50 if wrong else i % 9
    return f"PER,{at},{at + 8}"


KINDS = {  # method -> votes, the member of --json that holds answers, the item to explain
    "auto": (table("item,annotator,label", lambda i, w: "xyz"[(i + w * rng.randint(1, 2)) % 3]), "items", "i3"),
    "rover": (table("item,annotator,text", lambda i, w: "the dog ran away" if w else f"the cat number {i} sat down"), "items", "i3"),
    "medoid": (table("item,annotator,text", lambda i, w: "the dog ran away" if w else f"the cat number {i} sat down"), "items", "i3"),
    "segmentation": (table("item,annotator,mask", lambda i, w: "000/110/110" if w else "111/111/000"), "items", "i3"),
    "boxes": (table("item,annotator,label,x1,y1,x2,y2", box), "regions", "i3"),
    "spans": (table("item,annotator,label,start,end", span), "regions", "i3"),
    "segments": (table("item,annotator,label,start,end", span), "regions", "i3"),
    "polygons": (table("item,annotator,label,polygon", polygon), "regions", "i3"),
    "keypoints": (table("item,annotator,label,keypoints", lambda i, w: "p,90 90 2 70 70 2" if w else f"p,{rng.gauss(10, .2):.2f} 10 2 30 {rng.gauss(40, .2):.2f} 1"), "regions", "i3"),
    "sequences": (table("item,annotator,tags", lambda i, w: "O O O B-loc" if w else "O B-per I-per O"), "items", "i3"),
    "taxonomy": (table("item,annotator,label", lambda i, w: "plant/oak" if w else ["animal/cat", "animal/dog", "animal"][i % 3]), "items", "i3"),
    "multi_label": (table("item,annotator,labels", lambda i, w: "c" if w else ["a|b", "a", "b|c"][i % 3]), "items", "i3"),
    "numeric": (table("item,annotator,value", lambda i, w: f"{i + rng.gauss(0, 9 if w else .3):.3f}"), "items", "i3"),
    "bradley_terry": ("left,right,winner,annotator\n" + "".join(f"{a},{b},{b if rng.random() < LIES[p] else a},{p}\n" for a, b in ("mn", "no", "mo", "op", "np") for p in PEOPLE * 3),
                      "things", "n"),
    "plackett_luce": ("ranking,annotator\n" + "".join(f"{'o>n>m' if rng.random() < LIES[p] else 'm>n>o'},{p}\n" for p in PEOPLE * 8), "things", "n"),
}
listed = subprocess.run([KARAT, "list", "aggregators"], capture_output=True, text=True).stdout
others = [line.split()[0] for line in listed.splitlines() if "; columns " in line]
check("every kind of answer is tested here", sorted(others) == sorted(k for k in KINDS if k != "auto"), others)

for method, (text, member, item) in KINDS.items():
    at = lambda name: os.path.join(folder.name, f"{method}.{name}")
    plain = run("--method", method, text=text)
    one = run("--method", method, "--sources", at("csv"), "--plot", at("svg"), text=text)
    check(f"{method}: answers are the same with sources and a plot beside", one.stdout == plain.stdout)
    rows = list(csv.DictReader(open(at("csv"))))
    whole = json.loads(run("--method", method, "--json", text=text).stdout)
    check(f"{method}: JSON has answers and sources", whole[member] and whole["method"] == method and len(whole["sources"]) == 5, list(whole))
    first = "sd" if method == "numeric" else "accuracy"
    low, high, ci = ("low", "high", "ci95") if first == "accuracy" else (f"{first}_low", f"{first}_high", f"{first}_ci95")
    check(f"{method}: columns of the sources", list(rows[0])[:5] == ["annotator", "votes", first, low, high], rows[0])
    check(f"{method}: an interval around everybody's worth", all(float(r[low]) <= float(r[first]) <= float(r[high]) for r in rows), rows)
    same = {s["annotator"]: (s[first], *s[ci]) for s in whole["sources"]}
    check(f"{method}: table and JSON agree", all(abs(float(r[k]) - x) < 1e-4 * max(1, abs(x)) for r in rows for k, x in zip((first, low, high), same[r["annotator"]])), same)
    worst = (max if first == "sd" else min)(rows, key=lambda r: float(r[first]))
    check(f"{method}: the careless one is the worst", worst["annotator"] == "eve", rows)
    run("--method", method, "--sources", at("json"), text=text)
    check(f"{method}: a file of JSON by its name", {s["annotator"] for s in json.load(open(at("json")))["sources"]} == set(PEOPLE))
    check(f"{method}: instead of the answers", run("--method", method, "--sources", "-", text=text).stdout == open(at("csv")).read())
    check(f"{method}: instead of the answers, as JSON", json.loads(run("--method", method, "--sources", "-", "--json", text=text).stdout)["sources"] == whole["sources"])
    svg = xml.dom.minidom.parse(at("svg"))
    words = "".join(n.data for t in svg.getElementsByTagName("text") for n in t.childNodes)
    check(f"{method}: the picture names everybody", svg.documentElement.tagName == "svg" and all(p in words for p in PEOPLE), words)
    drawn = len([c for c in svg.getElementsByTagName("circle")])
    check(f"{method}: and has all that was measured", drawn >= 5 and len(svg.getElementsByTagName("rect")) > (1 if member == "things" else 30), drawn)
    told = run("--method", method, "--explain", item, text=text).stdout
    check(f"{method}: an explanation is in place of the answers", told.startswith(f"{method}: ") and plain.stdout.splitlines()[0] not in told.splitlines(), told)
    check(f"{method}: what is not there to explain is said", "there is no" in run("--method", method, "--explain", "nobody", text=text, code=3).stderr)
    check(f"{method}: a plot that cannot be written", "/nowhere/" in run("--method", method, "--plot", "/nowhere/a.svg", text=text, code=3).stderr)
    KINDS[method] += (whole, told)


def number_after(told, words):
    return float(told.split(words)[1].split()[0].rstrip(",)"))


# the numbers that are put in come to the answer
_, _, _, whole, told = KINDS["numeric"]
answer = next(i for i in whole["items"] if i["item"] == "i3")
over, rest = told.split("Σ weight x / Σ weight = ")[1].split(" / ")
check("numeric: the weighed mean is the value", abs(float(over) / float(rest.split()[0]) - answer["value"]) < 1e-4 * abs(answer["value"]), told)
_, _, _, whole, told = KINDS["boxes"]
answer = next(r for r in whole["regions"] if r["item"] == "i3" and r["kept"])
got = [number_after(told[told.index(f"drawn by {answer['votes_for']} of"):], f"{k} = ") / number_after(told[told.index(f"drawn by {answer['votes_for']} of"):].split(f"{k} = ")[1], "/ ")
       for k in ("x1", "y1", "x2", "y2")]
check("boxes: the weighed edges are the box", all(abs(a - b) < 1e-3 for a, b in zip(got, answer["box"])), (got, answer, told))
_, _, _, whole, told = KINDS["plackett_luce"]
n = next(t for t in whole["things"] if t["thing"] == "n")
check("plackett_luce: wins over what was expected is the strength", abs(number_after(told.split("put in:")[1], ") = ") - n["strength"]) < 1e-4, told)
_, _, _, whole, told = KINDS["rover"]
check("rover: shares of the words come to the agreement", f"= {next(i for i in whole['items'] if i['item'] == 'i3')['agreement']:.4f}" in told, told)
_, _, _, whole, told = KINDS["taxonomy"]
answer = next(i for i in whole["items"] if i["item"] == "i3")
check("taxonomy: posteriors of the nodes", all(f"{node} {p:.6f}" in told for node, p in answer["posterior"].items()), told)
end()
