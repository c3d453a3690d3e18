"""Answers that are sets of labels or regions of the text, by people: through HTTP (right and wrong bodies, roles, undo, what each
queue shows, kill -9) and through files (karat label, CSV and JSON lines). What comes out is read back from the API and the log."""
import csv, io, json, os, shutil, signal, tempfile, threading

from kit import PASSWORD, Served, check, end, karat

TEXTS = ["Zoë met Ada in Paris 😀 in 1843.", "naïve owners in Paris, not in Rome", "nobody here", "日本 and Rome"]
SETS = ["red and blue", "only red", "blue sky", "nothing"]
PEOPLE = {"root": "admin", "mia": "manager", "xena": "expert", "ann": "annotator", "ben": "annotator", "vic": "viewer"}


def workspace(tmp, name):
    d = f"{tmp}/{name}"
    projects = {
        "news": (TEXTS, "task: spans\nlabels: [person, place, date]\nfunctions:\n  - {name: p, label: place, any: [Paris, Rome]}\n  - {name: n, label: person, any: [Zoë, Ada]}\n"),
        "topics": (SETS, "task: multi-label\nlabels: [red, blue, 'a; b']\nfunctions:\n  - {name: r, label: red, any: [red]}\n  - {name: b, label: blue, any: [blue]}\n")}
    for i, (project, (texts, pipeline)) in enumerate(projects.items()):
        open(f"{tmp}/{project}.jsonl", "w").writelines(json.dumps({"id": f"t{k}", "text": t}, ensure_ascii=False) + "\n" for k, t in enumerate(texts))
        open(f"{tmp}/{project}.yaml", "w").write(f"project: {project}\nsources: [{{path: {project}.jsonl, fields: {{id: id, text: text}}}}]\nreview: {{overlap: 2, gold_share: 0}}\n{pipeline}")
        for args in (("init", d, "--pipeline", f"{tmp}/{project}.yaml"), ("ingest", d, f"{tmp}/{project}.jsonl", "--project", project, "--id", "id"), ("functions", d, "--project", project), ("route", d, "--people", "--project", project)):
            r = karat(*args)
            assert r.returncode == 0, r.stderr
        for who, role in PEOPLE.items():
            r = karat("user", "add", d, who, "--role", role, "--project", project, "--password-file", "-", input=PASSWORD + "\n") if i == 0 else \
                karat("user", "grant", d, who, "--role", role, "--project", project)
            assert r.returncode == 0, r.stderr
    return d


class Person:
    def __init__(self, s, name, project, desk="annotator"):
        self.s, self.project, self.desk, self.name, self.n = s, project, desk, name, 0
        self.token = s.sign_in(name)

    def next(self, want=1):
        return self.s.call("POST", f"/projects/{self.project}/queue:next", {"desk": self.desk, "want": want}, self.token)[1]["tasks"]

    def answer(self, task, client_id=None, **said):
        self.n += 1
        body = {"desk": self.desk, "token": task["token"], "item": task["item"], "client_id": client_id or f"{self.name}-{self.project}-{self.n}", **said}
        return self.s.call("POST", f"/projects/{self.project}/annotations", body, self.token)

    def undo(self):
        return self.s.call("POST", f"/projects/{self.project}/annotations:undo", {"desk": self.desk}, self.token)

    def get(self, path):
        return self.s.call("GET", f"/projects/{self.project}{path}", token=self.token)


def span(start, end, label):
    return {"start": start, "end": end, "label": label}


def refusals(ann, task, cases):
    for said, status, field, word in cases:
        code, p = ann.answer(task, **said)
        check(f"refused, with the field: {str(said)[:60]}", code == status and p.get("field") == field and word in p["detail"] + p.get("hint", ""), (code, p))


def regions(s):
    ann, ben, xena = Person(s, "ann", "news"), Person(s, "ben", "news"), Person(s, "xena", "news", "expert")
    check("the project says what its task is", ann.get("")[1]["task"] == "spans")
    task = ann.next()[0]
    check("regions of the machine come in code points", task["pre_spans"] == [span(0, 3, "person"), span(8, 11, "person"), span(15, 20, "place")] and task["pre_label"] is None and task["pre_labels"] is None, task)
    one = [span(0, 3, "person")]
    refusals(ann, task, [
        ({"label": "person"}, 422, "/label", "spans"), ({"labels": ["person"]}, 422, "/labels", "spans"), ({"spans": one, "labels": []}, 422, "/labels", "spans"),
        ({"spans": [span(0, 33, "person")]}, 422, "/spans/0/end", "the text to 31"), ({"spans": one + [span(4, 4, "place")]}, 422, "/spans/1/end", "empty"),
        ({"spans": one + [span(5, 2, "place")]}, 422, "/spans/1/end", "from 5 to 2"), ({"spans": [span(-1, 2, "place")]}, 422, "/spans/0/start", "-1"),
        ({"spans": [span(0.5, 2, "place")]}, 422, "/spans/0/start", "whole"), ({"spans": one + [span(0, 2, "plaice")]}, 422, "/spans/1/label", "plaice"),
        ({"spans": [{"start": 0, "label": "place"}]}, 400, "/spans/0/end", "missing"), ({"spans": [{**one[0], "color": 1}]}, 400, "/spans/0/color", "no field"),
        ({"spans": [1]}, 400, "/spans", "objects"), ({"spans": one[0]}, 400, "/spans", "list"), ({"spans": [span(i, i + 1, "place") for i in range(10001)]}, 422, "/spans", "10000")])
    shuffled = [span(15, 20, "place"), span(0, 3, "person"), span(0, 11, "person"), span(0, 3, "person")]
    code, a = ann.answer(task, client_id="the-first-one", spans=shuffled)
    check("an answer is taken", code == 201, a)
    code, again = ann.answer(task, client_id="the-first-one", spans=sorted(shuffled, key=lambda x: x["end"]))
    check("the same one again, in another order, changes nothing", code == 201 and again["repeated"] and again["id"] == a["id"], again)
    code, p = ann.answer(task, client_id="the-first-one", spans=one)
    check("another one under its client_id is refused", code == 409, p)
    code, back = ann.undo()
    check("undo gives it back in its form", code == 200 and back["tasks"][0]["previous_spans"] == [span(0, 3, "person"), span(0, 11, "person"), span(15, 20, "place")] and back["tasks"][0]["previous"] is None, back)
    code, a = ann.answer(back["tasks"][0], spans=one)
    other = ben.next()[0]
    code, b = ben.answer(other, spans=[], flagged=True, comment="really?")
    check("no region is an answer, and completes", code == 201 and b["complete"], b)
    code, item = xena.get("/items/0")
    check("two that differ are in dispute", item["state"] == "dispute" and item["spans"] is None and item["pre_spans"] and
          [(v["annotator"], v["spans"], v["label"], v["labels"], v["flagged"]) for v in item["votes"]] == [("ann", one, None, None, False), ("ben", [], None, None, True)], item)
    decide = xena.next()[0]
    check("where there is no flow an expert gets them at once, with both answers", decide["item"] == 0 and [v["spans"] for v in decide["votes"]] == [one, []] and
          xena.get("/progress")[1]["disputes_open"] == 1, decide)
    code, a = xena.answer(decide, spans=[span(8, 11, "person")])
    item = xena.get("/items/0")[1]
    check("whose answer is final", code == 201 and item["state"] == "adjudicated" and item["spans"] == [span(8, 11, "person")] and item["method"] == "adjudicated", item)
    task = ann.next()[0]
    code, a = ann.answer(task)
    check("nothing skips", code == 201 and ann.get("/progress")[1]["skips"] == 1, a)
    task = ann.next()[0]
    ann.answer(task, spans=[]), ben.answer(ben.next()[0])
    check("agreement is counted by whole answers", ann.get("/progress")[1]["agreement"] == 0.0, ann.get("/progress"))
    mia = s.sign_in("mia")
    code, p = s.call("POST", "/projects/news/functions:try", {"rule": "label: place\nany: [Paris]", "exact": True}, mia)
    check("a rule is tried, and shows what it marks", code == 200 and (p["n"], p["votes"]) == (4, 2) and any("[Paris] 😀" in e["text"] for e in p["examples"]), p)
    code, p = s.call("POST", "/projects/news/functions:try", {"rule": "label: place\nmin_chars: 3"}, mia)
    check("one that marks nothing is refused", code == 422 and "marks no region" in p["detail"], p)
    code, p = s.call("POST", "/projects/news/functions:keep", {"name": "years", "rule": "label: date\nregex: '\\d{4}'"}, mia)
    check("it is kept, and has marked everything", code == 200 and [f["marks"] for f in p["figures"]["functions"] if f["name"] == "years"] == [1], p)
    code, p = s.call("GET", "/projects/news/functions:suggest", token=mia)
    check("none are suggested here, in words", code == 422 and "spans" in p["detail"], p)
    code, p = s.call("POST", "/projects/news/functions:drop", {"name": "years"}, mia)
    check("and taken away again", code == 200 and [f["name"] for f in p["figures"]["functions"]] == ["p", "n"], p)
    code, p = Person(s, "vic", "news").answer(task, spans=one)
    check("a viewer does not answer", code == 403, p)


def sets(s):
    ann, ben, xena = Person(s, "ann", "topics"), Person(s, "ben", "topics"), Person(s, "xena", "topics", "expert")
    task = ann.next()[0]
    check("the machine's labels come by name", sorted(task["pre_labels"]) == ["blue", "red"] and task["pre_spans"] is None, task)
    refusals(ann, task, [({"label": "red"}, 422, "/label", "labels"), ({"spans": [span(0, 1, "red")]}, 422, "/spans", "labels"), ({"labels": ["red", "green"]}, 422, "/labels/1", "green"),
                         ({"labels": ["red", 7]}, 400, "/labels/1", "string"), ({"labels": "red"}, 400, "/labels", "list")])
    ann.answer(task, labels=["blue", "a; b", "blue"]), ben.answer(ben.next()[0], labels=["a; b", "blue"])
    item = xena.get("/items/0")[1]
    check("equal sets are a consensus, whatever their order", item["state"] == "voted" and item["labels"] == ["blue", "a; b"] and item["posterior"] == 1 and item["label"] is None, item)
    ann.answer(ann.next()[0], labels=[]), ben.answer(ben.next()[0], labels=[])
    item = xena.get("/items/1")[1]
    check("none of them is a label, too", item["state"] == "voted" and item["labels"] == [], item)
    check("agreement counts them", xena.get("/progress")[1]["agreement"] == 1.0)
    return ann


def files(d):
    r = karat("label", d, "--todo", "--project", "topics")
    rows = list(csv.DictReader(io.StringIO(r.stdout)))
    check("sets to do are a CSV", [x["item"] for x in rows] == ["t2", "t3"] and list(rows[0]) == ["item", "annotator", "labels", "text"], r)
    path = f"{d}/answers.csv"
    open(path, "w").write('item,annotator,labels\nt2,cleo,blue; red\nt2,dan,"[""red"",""blue""]"\nt3,cleo,(none)\nt3,dan,green\nt3,dan,"[""a; b"", 3]"\nt3,dan,\nt9,dan,red\nt3,dan,"[""a; b""]"\n')
    r = karat("label", d, path, "--project", "topics")
    check("a CSV of sets is taken, wrong lines are named", "4 answers taken, 4 refused" in r.stdout and ":5: refused: /labels/0: label green" in r.stderr and ":6: refused: /labels/1: expected a label's name" in r.stderr and
          ":7: refused" in r.stderr and ":8: refused: there is no item t9" in r.stderr, (r.stdout, r.stderr))
    r = karat("label", d, "--todo", "--project", "news")
    todo = [json.loads(x) for x in r.stdout.splitlines()]
    check("regions to do are JSON lines", todo and set(todo[0]) == {"item", "annotator", "spans", "text"}, r)
    lines = [{**t, "annotator": "cleo", "spans": [[0, len(t["text"]), "place"], span(0, 1, "date")]} for t in todo]
    lines += [{"item": "t0", "annotator": "dan", "spans": [span(0, 99, "date")]}, {"item": "t1", "annotator": "dan", "spans": [[1, 2]]}, {"item": "t1", "annotator": "dan", "spans": [{"start": 1, "end": 2}]},
              {"item": "t1", "annotator": "dan"}, {"item": "t1", "annotator": "", "spans": []}, {"item": "t1", "annotator": "dan", "spans": [["a", 2, "date"]]}]
    path = f"{d}/answers.jsonl"
    open(path, "w").write("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines) + "no json\n")
    r = karat("label", d, path, "--project", "news")
    n = len(todo)
    check("JSON lines of regions are taken, wrong ones are named with their field", f"{n} answers taken, 7 refused" in r.stdout and f":{n + 1}: refused: /spans/0/end: region 1 goes to 99, the text to 31" in r.stderr and
          f":{n + 2}: refused: /spans/0: expected [start, end, label]" in r.stderr and "start, end and label must all be there" in r.stderr and "spans must be there" in r.stderr and
          "nobody is named" in r.stderr and f":{n + 6}: refused: /spans/0/0: expected a whole number" in r.stderr and f":{n + 7}: refused: no JSON object" in r.stderr, (r.stdout, r.stderr))
    status = json.loads(karat("status", d, "--project", "news", "--json").stdout)
    check("status counts them", status["annotations"] >= n, status)
    r = karat("audit", "verify", d)
    events = karat("audit", "show", d, "--count", "1000").stdout
    check("the log says them in words and verifies", r.returncode == 0 and '"labels":["red","blue"]' in events and '{"start":0,"end":1,"label":"date"}' in events, r.stdout + r.stderr)


def killed(tmp):
    """Many different answers at once, kill -9 in the middle: what was acknowledged is there, and the log holds."""
    d = f"{tmp}/kill"
    open(f"{tmp}/many.jsonl", "w").writelines(json.dumps({"id": f"k{i}", "text": f"some text number {i} of the many"}) + "\n" for i in range(400))
    open(f"{tmp}/many.yaml", "w").write("project: many\ntask: spans\nlabels: [a, b]\nsources: [{path: many.jsonl, fields: {id: id, text: text}}]\nfunctions: [{name: n, label: a, any: [number]}]\n")
    karat("run", f"{tmp}/many.yaml", "--dir", d), karat("route", d, "--people")
    for who in ("w0", "w1", "w2"):
        karat("user", "add", d, who, "--role", "annotator", "--password-file", "-", input=PASSWORD + "\n")
    karat("user", "add", d, "xena", "--role", "expert", "--password-file", "-", input=PASSWORD + "\n")
    s, known, enough = Served("serve", d), {}, threading.Event()

    def work(p):
        who = p.name
        try:
            for _ in range(400):
                t = p.next()[0]
                said = [span(t["item"] % 7, 8 + (t["item"] + p.n) % 9, "b"), span(0, 4, "a")]
                code, a = p.answer(t, spans=said)
                if code == 201:
                    known[(who, t["item"])] = sorted(said, key=lambda x: (x["start"], x["end"], x["label"]))
                if len(known) > 150:
                    enough.set()
        except (OSError, ValueError, IndexError):
            pass
        except Exception as e:  # http.client's own, when the server is gone
            if type(e).__module__ != "http.client":
                raise

    threads = [threading.Thread(target=work, args=(Person(s, w, "many"),)) for w in ("w0", "w1", "w2")]
    [t.start() for t in threads]
    enough.wait(60)
    s.stop(signal.SIGKILL)
    [t.join() for t in threads]
    s = Served("serve", d)
    x, lost = Person(s, "xena", "many", "expert"), []
    for item in sorted({i for _, i in known}):
        said = {v["annotator"]: v["spans"] for v in x.get(f"/items/{item}")[1]["votes"]}
        lost += [(who, item) for (who, i), spans in known.items() if i == item and said.get(who) != spans]
    s.stop()
    check("after kill -9 no acknowledged answer is lost or another", len(known) > 150 and not lost, (len(known), lost[:5]))
    r = karat("audit", "verify", d)
    check("and the log holds", r.returncode == 0, r.stdout)


def known(tmp):
    """What a record's fields say of its answer is shown to nobody; of an item that is answered blind no field is."""
    d = f"{tmp}/known"
    rows = [{"id": f"t{i}", "text": t, "source": "wire", "tags": [span(0, 3, "person")], "held": [[0, 2, "place"]]} for i, t in enumerate(TEXTS)]
    for r in rows[1:]:
        del r["tags"]  # one trusted answer: the others are for people
    open(f"{tmp}/known.jsonl", "w").writelines(json.dumps(r) + "\n" for r in rows)
    open(f"{tmp}/known.yaml", "w").write("project: known\ntask: spans\nlabels: [person, place]\nsources: [{path: known.jsonl, fields: {id: id, text: text, gold: tags, truth: held}}]\n"
                                         "active_learning: {start: 1, rounds: 0}\nbudget: {trusted: 2}\nreview: {overlap: 1, gold_share: 0}\n")
    r = karat("run", f"{tmp}/known.yaml", "--dir", d)
    check("a project with known answers waits for people", r.returncode in (0, 1) and "train" in r.stdout + r.stderr, r)
    for who, role in (("ann", "annotator"), ("xena", "expert")):
        karat("user", "add", d, who, "--role", role, "--password-file", "-", input=PASSWORD + "\n")
    s = Served("serve", d)
    try:
        item = Person(s, "xena", "known").get("/items/0")[1]
        check("fields that hold the answer are not among an item's", item["meta"] == {"source": "wire"}, item)
        ann = Person(s, "ann", "known")
        for task in ann.next():
            ann.answer(task, spans=[span(0, 2, "person")])
    finally:
        s.stop()
    r = karat("run", f"{tmp}/known.yaml", "--dir", d)
    s = Served("serve", d)
    try:
        xena = Person(s, "xena", "known", "expert")
        task = xena.next()[0]
        item = xena.get(f"/items/{task['item']}")[1]
        check("of one that is answered blind there is none at all", task["queue"] == "trusted" and item["blind"] and item["meta"] is None and item["pre_spans"] is None, (task, item, r))
    finally:
        s.stop()


def main():
    tmp = tempfile.mkdtemp(prefix="karat-tasks-")
    try:
        d = workspace(tmp, "ws")
        s = Served("serve", d)
        try:
            regions(s)
            sets(s)
        finally:
            code, err = s.stop()
        check("the server ends in peace", code == 0 and "ERROR" not in err, (code, err))
        files(d)
        killed(tmp)
        known(tmp)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    end()


main()
