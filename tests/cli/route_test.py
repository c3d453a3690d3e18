"""karat route on files of scores and route --explain in a workspace. Checked against counts made here, against 0.98 ** 149 < 0.05, and
against the shape of what is printed."""
import csv, io, json, os, random, shutil, tempfile

from kit import check, end, karat

KARAT, ROOT = os.environ["KARAT"], os.path.abspath(os.environ["KARAT_SOURCE_ROOT"])


def write(path, rows):
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerows(rows)
    return path


def scores(tmp):
    rng = random.Random(3)
    rows = [("item", "score", "correct", "lang")]
    for i in range(6000):
        s = round(rng.random() ** 0.3, 4)
        right = rng.random() < 0.6 + 0.4 * s ** 4
        rows.append((f"i{i}", s, int(right) if rng.random() < 0.15 else "", "de" if i % 3 else "en"))
    return rows, write(f"{tmp}/scores.csv", rows)


def files(tmp):
    rows, path = scores(tmp)
    r = json.loads(karat("route", path, "--budget", "0.15", "--json").stdout)
    c = r["cells"][0]
    t = [x for x in rows[1:] if x[2] != ""]
    above = [x for x in t if x[1] >= round(c["score"], 4)]
    check("a file is routed", r["approved"] == sum(x[1] >= round(c["score"], 4) for x in rows[1:]) > 500 and c["trusted"] == len(t), r)
    check("the bound is within the budget and over what was seen", sum(x[2] == 0 for x in above) / len(above) < c["bound"] <= 0.15, c)
    out = list(csv.DictReader(io.StringIO(karat("route", path, "--budget", "0.15", "--csv").stdout)))
    check("the items as CSV say the same", len(out) == 6000 and sum(x["approved"] == "1" for x in out) == r["approved"] and out[5]["item"] == "i5", out[:2])
    parts = json.loads(karat("route", path, "--budget", "0.15", "--by", "lang", "--json").stdout)
    check("the budget in each part", [x["name"] for x in parts["cells"]] == ["lang=de", "lang=en"] and parts["approved"] == sum(x["approved"] for x in parts["cells"]), parts)
    conf = json.loads(karat("route", path, "--budget", "0.15", "--method", "conformal", "--json").stdout)
    check("conformal selection takes more", conf["approved"] > r["approved"] and conf["cells"][0]["bound"] is None, conf)
    for n, found in ((149, True), (148, False)):
        p = write(f"{tmp}/exact.csv", [("score", "correct")] + [(0.9, 1)] * n + [(0.9, "")] * 50)
        got = karat("route", p, "--budget", "0.02")
        check(f"{n} right answers {'prove' if found else 'do not prove'} 2 %", (f"{n + 50} of {n + 50} items approved" in got.stdout) == found and (found or "at least 1 more" in got.stdout), got.stdout)
    w = [("score", "correct", "probability")]
    rng = random.Random(9)
    for _ in range(20000):
        s = rng.random()
        p = 0.2 if s > 0.5 else 0.1
        w.append((round(s, 4), (1 if rng.random() > 0.2 * (1 - s) ** 2 else 0) if rng.random() < p else "", p))
    got = karat("route", write(f"{tmp}/weighted.csv", w), "--budget", "0.1", "--json")
    check("a sample with known chances", 0 < json.loads(got.stdout)["cells"][0]["bound"] <= 0.1 and json.loads(got.stdout)["share"] > 0.3, got.stdout + got.stderr)
    e = json.loads(karat("route", path, "--budget", "0.15", "--explain", "--json", "--annotator", "0.05:0.9", "--expert", "0.5:0.99").stdout)
    check("explain: more budget, more approved", all(a["approved"] <= b["approved"] for a, b in zip(e["budgets"], e["budgets"][1:])) and len(e["budgets"]) == 6, e["budgets"])
    more = e["more_trusted"]
    check("explain: what more trusted answers buy", [m["more"] for m in more] == [10, 100, 1000] and more[2]["approved"] > more[0]["approved"]
          and all(m["middle80"][0] <= m["approved"] <= m["middle80"][1] + 1e-9 for m in more), more)
    p = e["plan"]
    check("explain: the plan adds up", p["possible"] and abs(p["machine"] + sum(x["share"] for x in p["people"]) - 1) < 1e-9 and p["error"] <= 0.15 + 1e-9
          and p["price"] < p["price_by_people_alone"], p)
    check("explain: calibration was chosen by its loss", min(e["calibration_log_loss"], key=e["calibration_log_loss"].get) == e["calibration"] and len(e["calibration_log_loss"]) == 6, e)
    again = karat("route", path, "--budget", "0.15", "--explain", "--json", "--annotator", "0.05:0.9", "--expert", "0.5:0.99")
    check("and says the same again", json.loads(again.stdout) == e)


def wrong(tmp):
    _, path = scores(tmp)
    head = ("score", "correct")
    for name, args, code, want in (
        ("no budget", [path], 2, "--budget"), ("a budget of everything", [path, "--budget", "1"], 2, "--budget"), ("a missing file", [f"{tmp}/no.csv", "--budget", "0.1"], 3, "no.csv"),
        ("an unknown part", [path, "--budget", "0.1", "--by", "country"], 3, "country"), ("a price without accuracy", [path, "--budget", "0.1", "--explain", "--expert", "3"], 2, "PRICE:ACCURACY"),
        ("a price without a plan", [path, "--budget", "0.1", "--expert", "3:0.9"], 2, "--explain"), ("an unknown method", [path, "--budget", "0.1", "--method", "guess"], 2, "conformal"),
        ("a score over 1", [write(f"{tmp}/a.csv", [head, (0.5, 1), (1.5, 0)]), "--budget", "0.1"], 3, "a.csv:3"),
        ("an answer that is none", [write(f"{tmp}/b.csv", [head, (0.5, "perhaps")]), "--budget", "0.1"], 3, "b.csv:2"),
        ("no column of answers", [write(f"{tmp}/c.csv", [("score",), (0.5,)]), "--budget", "0.1"], 3, "correct"),
        ("an empty file", [write(f"{tmp}/d.csv", [head]), "--budget", "0.1"], 3, "no item"),
        ("a chance of nothing", [write(f"{tmp}/e.csv", [head + ("probability",), (0.5, 1, 0)]), "--budget", "0.1"], 3, "e.csv:2"),
        ("people of a file", [path, "--budget", "0.1", "--people"], 2, "workspace"), ("a confidence of 2", [path, "--budget", "0.1", "--confidence", "2"], 2, "--confidence"),
    ):
        r = karat("route", *args)
        check(f"{name} is refused", r.returncode == code and want in r.stderr and not r.stdout, (r.returncode, r.stderr))


def workspace(tmp):
    text = open(f"{ROOT}/examples/quickstart/karat.yaml").read().replace("items.jsonl", f"{ROOT}/examples/quickstart/items.jsonl")
    text = text.replace("trusted: 170}", "trusted: 170, per_class: {praise: 0.05}}") + "\nprices: {annotator: 0.1, expert: 1}\n"
    open(f"{tmp}/q.yaml", "w").write(text)
    d = f"{tmp}/w"
    r = karat("route", d, "--explain")
    check("a workspace that is none is said", r.returncode != 0, r.stderr)
    assert karat("run", f"{tmp}/q.yaml", "--dir", d).returncode == 0
    before = open(f"{d}/export/labels.jsonl").read()
    r = karat("route", d, "--explain", "--json")
    e = json.loads(r.stdout)
    check("explain in a workspace", r.returncode == 0 and e["trusted"] == e["trusted_wanted"] == 170 and {c["name"] for c in e["cells"]} == {"praise", "other classes"}, r.stdout + r.stderr)
    check("with the prices of the pipeline", [p["price"] for p in e["plan"]["people"] if p["source"] == "expert"] == [1], e["plan"])
    told = karat("route", d, "--explain").stdout
    check("and in words", all(x in told for x in ("cheapest plan", "more trusted answers", "annotators are right on", "praise")), told)
    karat("export", d)
    check("it changes nothing", open(f"{d}/export/labels.jsonl").read() == before)
    r = karat("route", d, "--budget", "0.1")
    check("options of a file are refused there", r.returncode == 2 and "pipeline" in r.stderr, r.stderr)


def main():
    tmp = tempfile.mkdtemp(prefix="karat-route-")
    try:
        files(tmp)
        wrong(tmp)
        workspace(tmp)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    end()


main()
