"""What is approved by machine, and what becomes of it: budgets of classes and slices, checks that prove a batch to be over its budget, the
batch opened again, others told (a webhook that first fails, server-sent events), and all of it through SIGKILL. The checks are
answered here with anything but the machine's label, so that the budget is broken although the trusted sample was answered right."""
import csv, hashlib, hmac, http.client, http.server, io, json, os, random, shutil, signal, sqlite3, subprocess, tempfile, threading, time

from kit import check, end

KARAT, ROOT = os.environ["KARAT"], os.path.abspath(os.environ["KARAT_SOURCE_ROOT"])
QUICK = open(f"{ROOT}/examples/quickstart/karat.yaml").read()
ITEMS = f"{ROOT}/examples/quickstart/items.jsonl"
TOPIC = {r["id"]: r["topic"] for r in map(json.loads, open(ITEMS))}
LABELS = ["order", "repair", "return", "advice", "praise"]
SECRET = "a secret of the test"
ENV = {**os.environ, "HOOK_SECRET": SECRET}


def karat(*args, **kw):
    return subprocess.run([KARAT, *args], capture_output=True, text=True, timeout=120, env=ENV, **kw)


class Hook(http.server.BaseHTTPRequestHandler):
    heard, refuse = [], 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Hook.heard.append((dict(self.headers), body))
        self.send_response(500 if len(Hook.heard) <= Hook.refuse else 204)
        self.end_headers()

    def log_message(self, *args):
        pass


def pipeline(tmp, name, budget, extra="", simulate=False):
    text = QUICK.replace("items.jsonl", ITEMS).replace("budget: {error: 0.08, confidence: 0.95, trusted: 170}", f"budget: {budget}") + extra
    if not simulate:
        text = text[: text.index("simulate:")] + text[text.index("export:") :]
    open(f"{tmp}/{name}.yaml", "w").write(text)
    return f"{tmp}/{name}.yaml"


def sql(folder, text):
    db = sqlite3.connect(f"file:{folder}/karat.db?mode=ro", uri=True)
    rows = db.execute(text).fetchall()
    db.close()
    return rows


def log(folder, kind=None):
    events = map(json.loads, karat("audit", "show", folder, "--count", "100000").stdout.splitlines())
    return [e for e in events if kind in (None, e["kind"])]


def number_of(item):  # external ids of the quickstart are in the order of its file
    return list(TOPIC).index(item)


def answer(folder, tmp, lie):
    """One round of answers by people; checks are answered wrongly while lie."""
    machine = dict(sql(folder, "SELECT item,label FROM approval_check WHERE answer<0"))
    for role, names in (([], ["ada", "ben", "eve"]), (["--expert"], ["xena"])):
        rows = list(csv.DictReader(io.StringIO(karat("label", folder, "--todo", *role).stdout)))
        if role and lie:  # one at a time, as they come
            rows = [r for r in rows if number_of(r["item"]) not in machine] + [r for r in rows if number_of(r["item"]) in machine][:4]
        with open(f"{tmp}/votes.csv", "w") as f:
            f.write("item,annotator,label\n")
            for row in rows:
                said = machine.get(number_of(row["item"])) if role and lie else None
                truth = TOPIC[row["item"]] if said is None else LABELS[(said + 1) % 5]
                for name in names:
                    f.write(f"{row['item']},{name},{truth}\n")
        r = karat("label", folder, f"{tmp}/votes.csv", *role)
        assert r.returncode == 0, r.stderr


def run_to_end(file, folder, tmp, killer=None):
    """Runs and answers until the flow is through; what it was told on the way."""
    told = ""
    for _ in range(60):
        if killer:
            killer(file, folder)
        r = karat("run", file, "--dir", folder, "--json")
        told += r.stderr
        assert r.returncode == 0, r.stderr
        out = json.loads(r.stdout)
        opened = sql(folder, "SELECT COUNT(*) FROM approval_batch WHERE reopened_us>0")[0][0]
        if not out.get("waiting") and not sql(folder, "SELECT 1 FROM queue WHERE queue=4 AND slots>0 LIMIT 1"):
            return out, told
        answer(folder, tmp, lie=opened == 0)
    raise SystemExit("the flow does not end")


def opened_again(tmp, port):
    extra = f"\nnotify: {{url: 'http://127.0.0.1:{port}/hook', secret_env: HOOK_SECRET}}\n"
    file = pipeline(tmp, "open", "{error: 0.08, confidence: 0.95, trusted: 170, audit: 0.2}", extra)
    Hook.heard.clear()
    Hook.refuse = 1
    d = f"{tmp}/open"
    out, told = run_to_end(file, d, tmp)
    batches = sql(d, "SELECT batch,round,size,n,wrong,low,budget,reopened_us FROM approval_batch ORDER BY batch")
    first = batches[0]
    check("the checks prove the first batch over its budget", first[7] > 0 and first[5] > first[6] and first[4] == first[3] > 1, batches)
    check("what was opened is routed again and stands", len(batches) == 2 and batches[1][1] == 1 and batches[1][7] == 0 and batches[1][4] == 0, batches)
    check("the second sample is new", len(sql(d, "SELECT 1 FROM consensus WHERE method='trusted'")) > 250, sql(d, "SELECT method,COUNT(*) FROM consensus GROUP BY 1"))
    lies = sql(d, "SELECT c.label,k.answer,c.state FROM approval_check k JOIN consensus c ON c.item=k.item WHERE k.batch=0 AND k.answer>=0")
    check("what the expert said of them stays", len(lies) == first[3] and all(a == b for a, b, _ in lies), lies)
    rows = [json.loads(x) for x in open(f"{d}/export/labels.jsonl")]
    check("everything has its label", out["left_out"] == 0 and len(rows) == 542, out)
    kinds = [e["kind"] for e in log(d)]
    check("the log tells it", kinds.count("route.reopen") == 1 and kinds.count("route.decide") == 2 and "route.check" in kinds, set(kinds))
    r = karat("audit", "verify", d)
    check("and verifies", r.returncode == 0, r.stdout)
    check("the webhook is told again until it hears", len(Hook.heard) == 2, (len(Hook.heard), told))
    head, body = Hook.heard[-1]
    want = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    check("signed", head["Karat-Signature"] == want and head["Karat-Event"] == "route.reopened" and Hook.heard[0][1] == body, head)
    said = json.loads(body)
    check("with what happened", said["event"] == "route.reopened" and said["reopened"] == first[2] and said["low"] > said["budget"] and said["project"] == "quickstart", said)
    s = json.loads(karat("status", d, "--json").stdout)
    check("status says so", s["batches_reopened"] == 1 and s["notices_waiting"] == s["notices_failing"] == 0, s)
    check("the report draws the checks", "Checks of what the machine approved" in open(f"{d}/report.html").read())
    return file


def killed(tmp):
    file = pipeline(tmp, "kill", "{error: 0.08, confidence: 0.95, trusted: 170, audit: 0.2}")
    run_to_end(file, f"{tmp}/unkilled", tmp)
    rng, kills = random.Random(5), [0]

    def killer(file, folder):
        for _ in range(4):
            p = subprocess.Popen([KARAT, "run", file, "--dir", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.002, 0.12))
            kills[0] += p.poll() is None
            p.send_signal(signal.SIGKILL)
            p.wait()

    run_to_end(file, f"{tmp}/killed", tmp, killer)
    # a run that had ended writes an export, and its event, again: the numbers of later events move
    same = [[{k: v for k, v in json.loads(x).items() if k != "event"} for x in open(f"{tmp}/{d}/export/labels.jsonl")] for d in ("unkilled", "killed")]
    check(f"with a batch opened again, the labels after {kills[0]} kills are the same", same[0] == same[1] and kills[0] > 5)
    r = karat("audit", "verify", f"{tmp}/killed")
    check("and its log verifies", r.returncode == 0, r.stdout)


def deaf(tmp):
    """A webhook nobody listens at: the flow goes on, and it is seen."""
    extra = "\nnotify: {url: 'http://127.0.0.1:9/', secret_env: HOOK_SECRET}\n"
    d = f"{tmp}/deaf"
    out, told = run_to_end(pipeline(tmp, "deaf", "{error: 0.08, confidence: 0.95, trusted: 170, audit: 0.2}", extra), d, tmp)
    s = json.loads(karat("status", d, "--json").stdout)
    check("a webhook that cannot be reached stops nothing", out["left_out"] == 0 and s["notices_failing"] == 1, s)
    check("and is named", "was not heard" in karat("status", d).stdout and "was not told of route.reopened" in told, told)


def served(tmp, port):
    """The same beside a running server: server-sent events, the webhook, the metrics."""
    extra = f"\nnotify: {{url: 'http://127.0.0.1:{port}/hook', secret_env: HOOK_SECRET}}\n"
    file, d = pipeline(tmp, "serve", "{error: 0.08, confidence: 0.95, trusted: 170, audit: 0.2}", extra), f"{tmp}/serve"
    Hook.heard.clear()
    Hook.refuse = 1
    for _ in range(30):
        karat("run", file, "--dir", d, "--json")
        if sql(d, "SELECT 1 FROM queue WHERE queue=4 LIMIT 1"):
            break
        answer(d, tmp, lie=False)
    for who, role in (("zoe", "expert"), ("root", "admin")):
        karat("user", "add", d, who, "--role", role, "--password-file", "-", input="a long password\n")
    p = subprocess.Popen([KARAT, "serve", d, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
    at = int(p.stdout.readline().rsplit(":", 1)[1])

    def call(method, path, body=None, token=None):
        c = http.client.HTTPConnection("127.0.0.1", at, timeout=20)
        c.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None,
                  {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})})
        r = c.getresponse()
        text = r.read()
        c.close()
        return json.loads(text) if "json" in (r.getheader("Content-Type") or "") and text else text.decode()

    zoe, root = (call("POST", "/session", {"name": n, "password": "a long password"})["token"] for n in ("zoe", "root"))
    events, ready = [], threading.Event()

    def watch():
        c = http.client.HTTPConnection("127.0.0.1", at, timeout=30)
        c.request("GET", "/api/v1/projects/1/progress:watch", headers={"Authorization": f"Bearer {root}"})
        r = c.getresponse()
        name = None
        try:
            while line := r.fp.readline() if not r.chunked else r.readline():
                line = line.decode().strip()
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    events.append((name, json.loads(line[5:])))
                    ready.set()
        except (OSError, http.client.HTTPException):
            pass

    t = threading.Thread(target=watch, daemon=True)
    t.start()
    ready.wait(10)
    machine, blind, n = dict(sql(d, "SELECT item,label FROM approval_check WHERE answer<0")), True, 0
    for _ in range(40):
        tasks = call("POST", "/projects/1/queue:next", {"desk": "expert"}, zoe)["tasks"]
        if not tasks or call("GET", "/projects/1/progress", token=root)["batches_reopened"]:
            break
        task, n = tasks[0], n + 1
        label = TOPIC[task["id"]]
        if task["queue"] == "audit":
            blind &= not task["pre_label"] and not task["votes"]
            label = LABELS[(machine[task["item"]] + 1) % 5]
        done = call("POST", "/projects/1/annotations", {"desk": "expert", "token": task["token"], "item": task["item"], "client_id": f"client-{n:05}", "label": label}, zoe)
        if "id" not in done:
            check("an answer is taken", False, done)
            break
    end = time.monotonic() + 15
    while time.monotonic() < end and not (len(Hook.heard) >= 2 and any(e == "reopened" for e, _ in events)):
        time.sleep(0.1)
    got = [x for e, x in events if e == "reopened"]
    check("checks are answered blind", blind and n > 1, n)
    check("watchers get an event", len(got) == 1 and got[0]["low"] > got[0]["budget"], events[-2:])
    check("the server tells the webhook, twice where it must", len(Hook.heard) == 2, len(Hook.heard))
    time.sleep(0.3)
    text = call("GET", "/metrics", token=root)
    check("the metrics count it", 'karat_notices{project="1",state="sent"} 1' in text and 'karat_batches_reopened_total{project="1"} 1' in text, text[-600:])
    p.send_signal(signal.SIGINT)
    p.wait(20)
    err = p.stderr.read()
    p.stdout.close()
    p.stderr.close()
    check("and the failed try is in the server's log", p.returncode == 0 and "was not told" in err, err)


def parts(tmp):
    """Budgets of classes and slices, on simulated people; the slice is made of the thread's name."""
    rows = [json.loads(x) for x in open(ITEMS)]
    with open(f"{tmp}/sliced.jsonl", "w") as f:
        for i, r in enumerate(rows):
            f.write(json.dumps({**r, "channel": "mail" if sum(map(ord, r["thread"])) % 3 else "phone"}) + "\n")
    budget = "{error: 0.3, confidence: 0.9, trusted: 170, audit: 0, per_class: {praise: 0.2, order: 0.2}, per_slice: {field: channel, error: 0.3, values: {mail: 0.25}}}"
    file = pipeline(tmp, "parts", budget, simulate=True).replace(".yaml", "")
    text = open(f"{file}.yaml").read().replace(ITEMS, f"{tmp}/sliced.jsonl")
    open(f"{file}.yaml", "w").write(text)
    r = karat("run", f"{file}.yaml", "--dir", f"{tmp}/parts", "--json")
    check("classes and slices run", r.returncode == 0, r.stderr)
    decided = log(f"{tmp}/parts", "route.decide")[0]["data"]
    cells = {c["name"]: c for c in decided["cells"]}
    check("each cell has the smallest of its budgets", cells["praise, channel=mail"]["budget"] == 0.2 and cells["other classes, channel=mail"]["budget"] == 0.25
          and cells["other classes, channel=phone"]["budget"] == 0.3 and len(cells) == 6, cells)
    check("what is approved is the sum of the cells", sum(c["auto"] for c in decided["cells"]) == decided["auto"] > 50, decided)
    check("nothing where nothing is proved", all(c["auto"] == 0 for c in decided["cells"] if c["threshold"] is None), decided)
    out = json.loads(r.stdout)
    check("and the whole keeps its budget", out["measured_error"] <= 0.3, out)
    r = karat("run", pipeline(tmp, "conf", "{error: 0.08, trusted: 170, method: conformal}", simulate=True), "--dir", f"{tmp}/conf", "--json")
    decided = log(f"{tmp}/conf", "route.decide")[0]["data"]
    check("conformal selection runs", r.returncode == 0 and decided["method"] == "conformal" and decided["auto"] > 50, r.stderr)


def refused(tmp):
    for what, budget, extra, want in (
        ("an unknown method", "{method: guess}", "", "there is no method guess"), ("a class that is none", "{per_class: {prase: 0.01}}", "", "praise"),
        ("a part with more than the whole", "{error: 0.05, per_class: 0.2}", "", "more than the budget of everything"),
        ("a slice without a field", "{per_slice: {error: 0.01}}", "", "the field of the record"),
        ("a slice without a budget", "{per_slice: {field: lang}}", "", "no slice has a budget"),
        ("an audit of more than everything", "{audit: 2}", "", "audit"), ("a list of classes", "{per_class: [1]}", "", "map of labels"),
        ("a webhook without a secret", "{}", "\nnotify: {url: 'http://x/'}\n", "secret_env"),
        ("a webhook that is no address", "{}", "\nnotify: {url: 'ftp://x/', secret_env: X}\n", "https://"),
        ("a price below nothing", "{}", "\nprices: {expert: -1}\n", "expert"),
    ):
        file = pipeline(tmp, "wrong", budget, extra)
        r = karat("run", file, "--dir", f"{tmp}/wrong")
        check(f"{what} is refused by line", r.returncode == 3 and want in r.stderr and f"{file}:" in r.stderr and not os.path.exists(f"{tmp}/wrong/export"), r.stderr)


def main():
    tmp = tempfile.mkdtemp(prefix="karat-approval-")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        refused(tmp)
        parts(tmp)
        opened_again(tmp, server.server_port)
        killed(tmp)
        deaf(tmp)
        served(tmp, server.server_port)
    finally:
        server.shutdown()
        shutil.rmtree(tmp, ignore_errors=True)
    end()


main()
