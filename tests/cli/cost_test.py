"""active_learning.cost: of items that are worth the same, the cheap ones are asked for; wrong costs are named. Planted: prices that have
nothing to do with the texts, and texts whose length has nothing to do with their label."""
import csv, io, json, random, shutil, statistics, tempfile

from kit import check, end, karat

WORDS = {"sun": ["bright", "warm", "light", "summer"], "rain": ["wet", "grey", "cloud", "umbrella"]}


def texts(path):
    g = random.Random(3)
    rows = {}
    with open(path, "w") as f:
        for i in range(900):
            label, long = g.choice(list(WORDS)), g.random() < 0.5
            noise = [f"w{g.randrange(400)}" for _ in range(120 if long else 8)]
            text = " ".join(noise + g.choices(WORDS[label] + WORDS[g.choice(list(WORDS))], k=3))
            rows[f"t{i}"] = {"label": label, "price": g.choice([1, 40]), "chars": len(text)}
            f.write(json.dumps({"id": f"t{i}", "text": text, **({"price": rows[f"t{i}"]["price"]} if i % 10 else {})}) + "\n")
    return rows


def second_batch(tmp, rows, cost):
    """The items asked for in the round after the first, which takes typical ones whatever they cost."""
    open(f"{tmp}/p.yaml", "w").write(f"""project: weather
labels: [sun, rain]
sources: [{{path: items.jsonl, fields: {{id: id, text: text}}}}]
active_learning: {{strategy: random, start: 60, batch: 100, rounds: 2{cost}}}
review: {{overlap: 1, gold_share: 0}}
""")
    d = tempfile.mkdtemp(dir=tmp)
    r = karat("run", f"{tmp}/p.yaml", "--dir", f"{d}/w")
    if r.returncode not in (0, 1):
        return r
    todo = lambda: [x["item"] for x in csv.DictReader(io.StringIO(karat("label", f"{d}/w", "--todo").stdout))]
    with open(f"{d}/votes.csv", "w") as f:
        f.write("item,annotator,label\n" + "".join(f"{i},ann,{rows[i]['label']}\n" for i in todo()))
    r = karat("label", f"{d}/w", f"{d}/votes.csv")
    check("the first round is answered", r.returncode == 0, r.stdout + r.stderr)
    r = karat("run", f"{tmp}/p.yaml", "--dir", f"{d}/w")
    return todo()


tmp = tempfile.mkdtemp(prefix="karat-cost-")
try:
    rows = texts(f"{tmp}/items.jsonl")
    mean = lambda items, what: statistics.mean(rows[i][what] for i in items)
    plain, priced, timed = (second_batch(tmp, rows, c) for c in ("", ", cost: {field: price}", ", cost: time"))
    check("each asks for a batch", all(isinstance(x, list) and len(x) == 100 for x in (plain, priced, timed)), [plain, priced, timed])
    check("without a cost the price does not count", 10 < mean(plain, "price") < 31, mean(plain, "price"))
    check("with it the cheap ones come first, those without a price among the others", mean(priced, "price") < 0.4 * mean(plain, "price"), (mean(priced, "price"), mean(plain, "price")))
    check("by time it is the short ones", mean(timed, "chars") < 0.6 * mean(plain, "chars"), (mean(timed, "chars"), mean(plain, "chars")))
    for cost, word in ((", cost: much", "time"), (", cost: {feld: price}", "feld"), (", cost: {field: weight}", "weight")):
        r = second_batch(tmp, rows, cost)
        check(f"refused{cost}", not isinstance(r, list) and word in r.stderr, r if isinstance(r, list) else (r.returncode, r.stderr))
finally:
    shutil.rmtree(tmp, ignore_errors=True)
end()
