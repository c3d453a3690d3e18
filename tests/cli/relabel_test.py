"""Errors that a model finds among people's labels: planted wrong answers go to one more person, with the evidence, and fewer wrong labels are
exported. First with simulated people, whose truth is known; then over HTTP: who is asked, what they see before and after, what is kept."""
import json, random, shutil, signal, tempfile

from kit import PASSWORD, Served, check, end, karat

LABELS = ("north", "south", "west")


def texts(n, seed):
    g = random.Random(seed)
    own = {l: [f"{l[0]}{i}" for i in range(200)] for l in LABELS}
    for i in range(n):
        label = g.choice(LABELS)
        yield {"id": f"i{i}", "topic": label, "text": " ".join(g.choice(own[label]) if g.random() < 0.5 else f"w{g.randrange(400)}" for _ in range(12))}


PIPELINE = """project: topics
labels: [north, south, west]
sources: [{path: items.jsonl, fields: {id: id, text: text%s}}]
active_learning: {start: 40, batch: 30, rounds: 0}
budget: {error: 0.05, confidence: 0.95, trusted: 0}
review: {overlap: 1, expert_below: 0, gold_share: 0}
consensus: {min_posterior: 0}
%s
"""


def simulated(tmp):
    people = "simulate: {annotators: 6, experts: 2, accuracy: 0.85, expert_accuracy: 0.99}\n"
    error, log = {}, None
    for name, how in (("off", ""), ("on", "relabel: {share: 0.25}\n"), ("little", "relabel: {share: 0.02}\n")):
        d = f"{tmp}/{name}"
        open(f"{tmp}/p.yaml", "w").write(PIPELINE % (", truth: topic", how + people))
        r = karat("run", f"{tmp}/p.yaml", "--dir", d, "--json")
        assert r.returncode == 0, r.stderr
        error[name] = json.loads(r.stdout)
        if name == "on":
            log = [json.loads(x) for x in karat("audit", "show", d, "--count", "1000000").stdout.splitlines()]
            check("the log holds", karat("audit", "verify", d).returncode == 0)
            again = karat("run", f"{tmp}/p.yaml", "--dir", d, "--json")
            same = json.loads(again.stdout)
            check("run again, nothing is asked anew", same["suspected"] == error["on"]["suspected"] and same["answers"] == error["on"]["answers"], same)
            status = json.loads(karat("status", d, "--json").stdout)
            check("status counts them", (status["suspected_labels"], status["suspected_changed"]) == (error["on"]["suspected"], error["on"]["suspected_changed"]), status)
            check("and so does the report", "labels asked about once more" in karat("run", f"{tmp}/p.yaml", "--dir", d).stdout)
    off, on, little = error["off"], error["on"], error["little"]
    print(f"     {off['final_error']:.4f} of the labels wrong without, {on['final_error']:.4f} with {on['suspected']} asked again ({on['suspected_changed']} changed), "
          f"{little['final_error']:.4f} with {little['suspected']}")
    check("planted errors are there without it", off["final_error"] > 0.08 and off["suspected"] == 0, off)
    check("the error of the exported labels falls to less than half", on["final_error"] < off["final_error"] / 2, (off["final_error"], on["final_error"]))
    check("the share is a cap", 0 < little["suspected"] <= 0.02 * 600 + 1 and little["final_error"] < off["final_error"], little)
    answers = [(e["item"], e["actor"]) for e in log if e["kind"] == "annotation.submit"]
    check("nobody is asked about an item twice", len(answers) == len(set(answers)))
    named = [x for e in log if e["kind"] == "errors.suspect" for x in e["data"]["suspects"]]
    check("an event has the evidence", len(named) == on["suspected"] and all(x["given"] != x["likely"] and 0 <= x["quality"] < x["probability"] <= 1 for x in named), named[:3])
    asked = {x["item"] for x in named}
    twice = {i for i in asked if sum(a[0] == i for a in answers) >= 2}
    check("each of them has one more answer, and the old one stands", twice == asked, len(asked - twice))


def turn(s, who, desk, label_of, seen):
    """One look at the desk: answers what is there. seen: (queue, task, reply) of each."""
    for t in s.call("POST", "/projects/1/queue:next", {"desk": desk}, who)[1]["tasks"]:
        status, r = s.call("POST", "/projects/1/annotations", {"desk": desk, "token": t["token"], "item": t["item"], "label": label_of(t), "client_id": f"client-{len(seen)}-{t['token']}"}, who)
        assert status == 201, r
        seen.append((t, r))
        return True
    return False


def over_http(tmp):
    rows = list(map(json.loads, open(f"{tmp}/items.jsonl")))
    truth = {r["id"]: r["topic"] for r in rows}
    wrong = lambda t: LABELS[(LABELS.index(truth[t["id"]]) + 1) % 3]
    d = f"{tmp}/http"
    open(f"{tmp}/p.yaml", "w").write(PIPELINE % ("", "relabel: {share: 0.1}"))
    assert karat("init", d, "--pipeline", f"{tmp}/p.yaml").returncode == 0
    assert karat("ingest", d, f"{tmp}/items.jsonl", "--id", "id").returncode == 0
    for name, role in (("ann", "annotator"), ("ben", "annotator"), ("xena", "expert"), ("mia", "manager")):
        assert karat("user", "add", d, name, "--role", role, "--password-file", "-", input=PASSWORD + "\n").returncode == 0
    s = Served("serve", d, "--run")
    ann, ben, xena, mia = map(s.sign_in, ("ann", "ben", "xena", "mia"))
    careless, seen, late = [], [], []
    slip = lambda t: wrong(t) if int(t["id"][1:]) % 12 == 0 else truth[t["id"]]
    import time
    end = time.monotonic() + 100
    while time.monotonic() < end:  # ann labels everything, and slips on every twelfth
        if turn(s, ann, "annotator", slip, careless):
            continue
        p = s.call("GET", "/projects/1/progress", token=mia)[1]
        if p["suspected"]:
            break
        time.sleep(0.05)
    planted = [t for t, _ in careless if int(t["id"][1:]) % 12 == 0]
    check("a model doubts labels when all are there", 20 < p["suspected"] <= 0.1 * 600 + 1, p)
    check("ann is not asked about her own", not turn(s, ann, "annotator", slip, []))
    first = s.call("POST", "/projects/1/queue:next", {"desk": "annotator"}, ben)[1]["tasks"][0]
    check("ben is, blind: no machine's label, no votes, no evidence, and nothing tells it from other items",
          first["pre_label"] is None and first["pre_score"] is None and first["votes"] == [] and first["evidence"] == [] and first["queue"] == "human", first)
    item = s.call("GET", f"/projects/1/items/{first['item']}", token=mia)[1]
    check("nor does its page quote anybody before that", item["blind"] and item["votes"] == [] and item["evidence"] == [] and item["label"] is None and item["pre_label"] is None, item)
    turn(s, ben, "annotator", lambda t: truth[t["id"]], seen)
    e = seen[0][1]["evidence"]
    given = {t["id"]: slip(t) for t, _ in careless}
    check("having answered, he sees the evidence", len(e) == 1 and e[0]["given"] == given[seen[0][0]["id"]] and e[0]["likely"] != e[0]["given"] and e[0]["quality"] < e[0]["probability"], e)
    check("other answers have none", all(r["evidence"] == [] for _, r in careless))
    status, r = s.call("POST", "/projects/1/annotations:undo", {"desk": "annotator"}, ben)
    check("and cannot take the answer back then", status == 409, (status, r))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if turn(s, ben, "annotator", lambda t: truth[t["id"]], seen) or turn(s, xena, "expert", lambda t: truth[t["id"]], late):
            continue
        p = s.call("GET", "/projects/1/progress", token=mia)[1]
        if "through" in (p["flow"] or ""):
            break
        time.sleep(0.05)
    check("where the two differ an expert decides, with votes and evidence", late and all(len(t["votes"]) == 2 and len(t["evidence"]) == 1 for t, _ in late), late[:1])
    item = s.call("GET", f"/projects/1/items/{late[0][0]['item']}", token=mia)[1]
    check("the item keeps all that was said", len(item["votes"]) == 3 and item["votes"][0]["label"] == given[item["id"]] and len(item["evidence"]) == 1 and item["label"] == truth[item["id"]], item)
    s.p.send_signal(signal.SIGINT)
    s.p.wait(30)
    labels = {r["id"]: r["label"] for r in map(json.loads, open(f"{d}/export/labels.jsonl"))}
    before, after = len(planted), sum(labels[i] != truth[i] for i in labels)
    print(f"     {before} wrong answers planted, {after} of {len(labels)} exported labels wrong")
    check("most of what was planted is mended", before >= 40 and after < before / 2, (before, after))
    check("progress counts it", p["suspected"] == len(seen) and p["suspected_changed"] == before - after, (p, len(seen)))
    check("the log holds", karat("audit", "verify", d).returncode == 0)


def main():
    tmp = tempfile.mkdtemp(prefix="karat-relabel-")
    try:
        with open(f"{tmp}/items.jsonl", "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in texts(600, 5))
        simulated(tmp)
        with open(f"{tmp}/items.jsonl", "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in texts(600, 6))
        over_http(tmp)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    end()


main()
