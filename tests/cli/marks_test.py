"""task: multi-label and task: spans: functions of every kind, weighed, exported, measured; bad ones named; what is not there refused. Small
texts whose answer is known, then real sets where they are at hand."""
import csv, json, os, shutil, sys, tempfile

from kit import check, end, karat

KARAT, ROOT = os.environ["KARAT"], os.environ["KARAT_SOURCE_ROOT"]
SHARED = os.environ.get("KARAT_SHARED", f"{ROOT}/../shared")


def project(tmp, name, rows, pipeline):
    """Runs it; what it printed as JSON, and its exported rows by id."""
    with open(f"{tmp}/{name}.jsonl", "w") as f:
        f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    open(f"{tmp}/{name}.yaml", "w").write(f"project: {name}\nsources: [{{path: {name}.jsonl, fields: {{id: id, text: text, gold: gold}}}}]\n" + pipeline)
    d = f"{tmp}/ws-{name}"
    r = karat("run", f"{tmp}/{name}.yaml", "--dir", d, "--json")
    if r.returncode:
        return d, {"error": r.stderr, "code": r.returncode}, {}
    return d, json.loads(r.stdout), {x["id"]: x for x in map(json.loads, open(f"{d}/export/labels.jsonl"))}


def function(out, name):
    return next(f for f in out["functions"] if f["name"] == name)


CHILD = """
import sys
sys.path.insert(0, {path!r})
from karat_lf import labeling_function, main

@labeling_function()
def years(x):
    import re
    return [(m.start(), m.end(), "date") for m in re.finditer(r"\\b(19|20)\\d\\d\\b", x.text)]

@labeling_function()
def liar(x):
    return [(0, 10 ** 6, "date")]

@labeling_function()
def topics(x):
    return [l for l in ("red", "blue") if l in x.text]

main()
"""


def spans(tmp):
    texts = ["Zoë met Ada Lovelace in Paris in 1843.", "naïve café owners in Paris, not in Rome", "nobody here", "Ada and Zoë left Rome in 1843 and 1990", "日本 and Paris 1999"]
    rows = [{"id": f"t{i}", "text": t} for i, t in enumerate(texts)]
    rows[0]["people"] = [[0, 3, "person"], {"start": 8, "end": 20, "label": "person"}]
    rows[1]["people"] = [[5, 2, "person"]]
    rows[3]["people"] = "no list"
    rows[0]["gold"] = [[0, 3, "person"], [8, 20, "person"], [24, 29, "place"], [33, 37, "date"]]
    rows[2]["gold"] = []
    open(f"{tmp}/cities.txt", "w").write("# cities\nParis\nRome\n日本\n")
    open(f"{tmp}/child.py", "w").write(CHILD.format(path=f"{ROOT}/python"))
    d, out, labels = project(tmp, "spans", rows, """task: spans
labels: [person, place, date]
functions:
  - {name: cities, label: place, dictionary: cities.txt}
  - {name: in_place, label: place, regex: '\\bin (\\p{Lu}\\w+)'}
  - {name: names, label: person, any: [Zoë, Ada Lovelace, Ada]}
  - {name: fields, from_field: people}
  - {name: lua_years, label: date, lua: "function(item) local out, at = {}, 1; while true do local s, e = item.text:find('%d%d%d%d', at); if not s then return out end; out[#out + 1] = {s, e}; at = e + 1 end end"}
  - {name: half, lua: "function(item) if item.id == 't1' then return {{3, 3, 'person'}} end end"}
  - {name: odd, lua: "function(item) return 'person' end"}
  - {name: years, command: [python3, child.py]}
  - {name: liar, command: [python3, child.py]}
""")
    got = {i: {(s["start"], s["end"], s["label"]) for s in x["spans"]} for i, x in labels.items()}
    check("regions come out in code points, whoever marked them", got.get("t0") == {(0, 3, "person"), (8, 20, "person"), (24, 29, "place"), (33, 37, "date")}, (got, out))
    check("also beyond ASCII and beyond the first", got.get("t4") == {(0, 2, "place"), (7, 12, "place"), (13, 17, "date")} and {(25, 29, "date"), (34, 38, "date")} <= got.get("t3", set()), got)
    check("an item nobody speaks about is left out, with the reason", "t2" not in got and any(r["id"] == "t2" and "no function" in r["reason"] for r in csv.DictReader(open(f"{d}/export/left_out.csv"))))
    check("a regex's group is what it marks", function(out, "in_place")["marks"] == 3 and function(out, "in_place")["conflict"] == 0, function(out, "in_place"))
    check("figures: coverage, overlap, gold", abs(function(out, "cities")["coverage"] - 0.8) < 1e-9 and abs(function(out, "cities")["overlap"] - 0.4) < 1e-9 and function(out, "names")["gold_precision"] == 1.0, out)
    check("regions cut short or wrong are conflicts", out["right"] == 4 and out["gold_items"] == 2 and out["f1"] == 1.0, out)
    for name, word in (("half", "no whole characters"), ("odd", "not a list"), ("liar", "no part of this text"), ("fields", "no part of this text")):
        check(f"{name} is named with the item", function(out, name)["failed"] > 0 and word in function(out, name)["failure"] and function(out, name)["failed_item"], function(out, name))
    again = karat("functions", d, "analyze", "--json")
    check("analyze says the same, and runs nothing again", [f["marks"] for f in json.loads(again.stdout)["functions"]] == [f["marks"] for f in out["functions"]], again.stdout + again.stderr)
    events = karat("audit", "show", d, "--count", "10000").stdout
    check("marks and labels are in the log, once", events.count('"functions.marks"') == 1 and events.count('"denoise.labels"') == 1 and karat("audit", "verify", d).returncode == 0)
    text = open(f"{tmp}/spans.yaml").read()
    open(f"{tmp}/spans.yaml", "w").write(text.replace("any: [Zoë, Ada Lovelace, Ada]", "any: [Zoë]"))
    changed = json.loads(karat("run", f"{tmp}/spans.yaml", "--dir", d, "--json").stdout)
    check("a changed function runs alone, and the labels follow", function(changed, "names")["marks"] == 2 and function(changed, "cities") ["marks"] == function(out, "cities")["marks"], changed)
    table = karat("functions", d, "analyze").stdout
    check("as a table, too", "in_place" in table and "precision" in table and "F1" in table, table)
    return d


def label_sets(tmp):
    texts = ["red and blue", "only red", "blue sky", "nothing", "red red wine"]
    rows = [{"id": f"t{i}", "text": t, "gold": [w for w in ("red", "blue") if w in t]} for i, t in enumerate(texts)]
    rows[0]["other"], rows[1]["other"], rows[2]["other"] = ["red", "blue"], "red", ["blue", "green"]
    d, out, labels = project(tmp, "sets", rows, """task: multi-label
labels: [red, blue]
functions:
  - {name: red_words, label: red, any: [red]}
  - {name: blue_words, label: blue, any: [blue]}
  - {name: both_ways, label: red, agree: [red_words]}
  - {name: other, from_field: other}
  - {name: lua, lua: "function(item) local t = {}; if karat.has(item.text, 'red') then t[1] = 'red' end; if karat.has(item.text, 'blue') then t[#t + 1] = 'blue' end; return t end"}
  - {name: topics, command: [python3, child.py]}
  - {name: flood, lua: "function(item) local t = {}; for i = 1, 5000 do t[i] = 'red' end; return t end"}
""")
    got = {i: set(x["labels"]) for i, x in labels.items()}
    check("an item bears several labels", got == {"t0": {"red", "blue"}, "t1": {"red"}, "t2": {"blue"}, "t4": {"red"}}, (got, out))
    check("with a chance each", all(set(x["posterior"]) == set(x["labels"]) and all(0.5 < p <= 1 for p in x["posterior"].values()) for x in labels.values()), labels)
    check("a label that does not exist is named", "no label of the project" in function(out, "other")["failure"], function(out, "other"))
    check("one that floods, too", "5000 marks" in function(out, "flood")["failure"] and function(out, "flood")["marks"] == 0, function(out, "flood"))
    check("agreement counts who gave the label", function(out, "both_ways")["marks"] == 3, function(out, "both_ways"))
    check("against gold", out["precision"] == 1.0 and function(out, "lua")["gold_precision"] == 1.0, out)
    return d


def tried(d):
    t = json.loads(karat("functions", d, "--try", "{label: date, regex: '\\d{4}'}", "--json").stdout)["exact"]
    check("a rule is tried: items marked, marks, and which of them trusted answers have", (t["votes"], t["labels"], t["gold"], t["gold_votes"], t["right"]) == (3, {"date": 4}, 2, 1, 1), t)
    check("an example shows the mark in its place", "in [1843]." in t["hits"][0]["text"] and t["misses"] == [], t)


def refused(tmp, d):
    for args, word in ((("functions", d, "suggest"), "not there"), (("run", f"{tmp}/spans.yaml", "--dir", d, "--watch"), "not there"),
                       (("export", d, "--format", "csv"), "jsonl"), (("simulate", d), "truth")):
        r = karat(*args)
        check(f"karat {args[0]} {' '.join(a for a in args[2:] if a != d)[:20]}: says what is not there", r.returncode in (2, 3) and word in r.stderr, (r.returncode, r.stdout, r.stderr))
    head = "task: spans\nlabels: [a, b]\n"
    for pipeline, word in ((head + "budget: {error: 0.1, per_class: 0.05}", "per_slice"), (head + "export: {format: csv}", "jsonl"), (head + "watch: {every: 100}", "serve --run"),
                           (head + "relabel: {share: 0.1}", "overlap"), (head + "model: {kind: tree}", "model of its own"), (head + "active_learning: {strategy: committee}", "diverse"),
                           (head + "functions: [{name: x, label: a, min_chars: 5}]", "marks no region"), (head + "functions: [{name: x, label: a, any: [y], field: title}]", "field"),
                           (head + "functions: [{name: x, label: c, any: [y]}]", "label c"), ("task: boxes\nlabels: [a, b]", "no task boxes"), ("task: text-classification\nlabels: [a]", "two names")):
        _, out, _ = project(tmp, f"bad{abs(hash(pipeline))}", [{"id": "1", "text": "x"}], pipeline)
        check(f"refused by name: {word}", out.get("code") == 3 and word in out["error"], out)


def real_spans(tmp):
    folder = f"{SHARED}/data/weak-ner-ncbi-disease"
    if not os.path.exists(folder):
        return print("skipped: weak-ner-ncbi-disease")
    names = json.load(open(f"{folder}/meta.json"))["lf"]
    rows = []
    for k, v in json.load(open(f"{folder}/valid.json")).items():
        at, text = [], ""
        for token in v["data"]["text"]:
            at.append((len(text), len(text) + len(token)))
            text += token + " "
        place = lambda s: [at[s[0]][0], at[s[1] - 1][1], s[2]]
        rows.append({"id": k, "text": text, "gold": [place(s) for s in v["label"]], **{f"lf{j}": [place(s) for s in w] for j, w in enumerate(v["weak_labels"])}})
    functions = "".join(f"  - {{name: '{n}', from_field: lf{j}}}\n" for j, n in enumerate(names))
    held = {r["id"]: {tuple(s) for s in r.pop("gold")} for r in rows[1::2]}  # every second one: the functions are not weighed by it
    _, out, labels = project(tmp, "ncbi", rows, "task: spans\nlabels: [Disease]\nfunctions:\n" + functions)
    if "error" in out:
        return check("NCBI Disease runs", False, out["error"])
    def f1(said):
        right = sum(len(said.get(i, set()) & g) for i, g in held.items())
        return 2 * right / (sum(len(said.get(i, ())) for i in held) + sum(map(len, held.values())))

    together = f1({i: {(s["start"], s["end"], s["label"]) for s in x["spans"]} for i, x in labels.items()})
    alone = max((f1({r["id"]: {tuple(s) for s in r[f"lf{j}"]} for r in rows}), n) for j, n in enumerate(names))
    union = f1({r["id"]: {tuple(s) for j in range(len(names)) for s in r[f"lf{j}"]} for r in rows})
    print(f"     NCBI Disease, {len(held)} abstracts held back, 17 functions: F1 {together:.4f}; the best function alone {alone[0]:.4f} ({alone[1]}), all marks of all {union:.4f}")
    check("disease mentions: weighed together better than the best alone, and than all they say", together > max(alone[0], union), (together, alone, union))


def real_sets(tmp):
    path = f"{SHARED}/data/text-cooking-multilabel"
    if not os.path.exists(path):
        return print("skipped: text-cooking-multilabel")
    words = {"bread": ["bread", "dough", "yeast", "sourdough"], "chicken": ["chicken", "chickens", "poultry"], "eggs": ["egg", "eggs", "yolk", "yolks"], "sauce": ["sauce", "sauces", "gravy"],
             "baking": ["bake", "baking", "cake", "cookies", "oven", "dough"], "meat": ["meat", "beef", "pork", "steak"], "food-safety": ["safe", "safety", "spoil", "botulism", "bacteria"]}
    rows = [json.loads(x) for x in open(f"{path}/cooking-train.jsonl")]
    rows = [{"id": r["meta"]["id"], "text": r["text"], "gold": [c for c, v in r["cats"].items() if v and c in words], "title": r["text"].split("\n")[0]} for r in rows]
    # of each label one function on the whole question, one on its title, one that wants the word twice
    functions = "".join(f"  - {{name: '{c} text', label: '{c}', any: {json.dumps(w)}}}\n  - {{name: '{c} title', label: '{c}', any: {json.dumps(w)}, field: title}}\n"
                        f"  - {{name: '{c} twice', label: '{c}', regex: '(?is)\\b({'|'.join(w)})\\b.*\\b({'|'.join(w)})\\b'}}\n" for c, w in words.items())
    _, out, labels = project(tmp, "cooking", rows, f"task: multi-label\nlabels: {json.dumps(list(words))}\nfunctions:\n" + functions)
    if "error" in out:
        return check("the cooking questions run", False, out["error"])
    said = {r["id"]: {c for c, w in words.items() if any(x in r["text"].lower().split() for x in w)} for r in rows}
    gold = {r["id"]: set(r["gold"]) for r in rows}
    right, n = sum(len(said[i] & gold[i]) for i in gold), sum(len(said[i]) + len(gold[i]) for i in gold)
    print(f"     cooking questions, 7 topics, 21 functions: F1 {out['f1']:.4f}; every word taken at its word {2 * right / n:.4f}")
    check("topics: weighed together better than any word that is there", out["f1"] > 2 * right / n, (out["f1"], 2 * right / n))


def main():
    tmp = tempfile.mkdtemp(prefix="karat-marks-")
    try:
        d = spans(tmp)
        label_sets(tmp)
        tried(d)
        refused(tmp, d)
        real_spans(tmp)
        real_sets(tmp)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    end()


main()
