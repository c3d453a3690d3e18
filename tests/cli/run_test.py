"""The whole flow through the built program: what it promises, resuming after SIGKILL, bad input, tampering. Uses only the
quickstart example and files made here. KILLS sets how many times it is killed."""
import csv, fcntl, io, json, os, random, shutil, signal, sqlite3, subprocess, tempfile, time

from kit import check, end, karat

KARAT, ROOT = os.environ["KARAT"], os.environ["KARAT_SOURCE_ROOT"]
QUICK = os.path.join(ROOT, "examples/quickstart/karat.yaml")


def export_of(folder):
    return open(f"{folder}/export/labels.jsonl", "rb").read() + open(f"{folder}/export/left_out.csv", "rb").read()


def hash_of(text):
    return sum(map(ord, text))


def whole_flow(tmp):
    r = karat("run", QUICK, "--dir", f"{tmp}/whole", "--json")
    check("run ends well", r.returncode == 0, r.stderr)
    s = json.loads(r.stdout)
    check("every record is accounted for", s["canonical"] + s["exact_duplicates"] + s["near_duplicates"] == s["items"] == 542, s)
    check("planted duplicates are found", s["exact_duplicates"] >= 10 and s["near_duplicates"] >= 5, s)
    parts = s["auto"] + s["human"] + s["expert"] + s["train"] + s["trusted"]
    check("every item to label went somewhere", parts == s["canonical"], s)
    check("nothing is left out", s["left_out"] == 0 and s["final"] == s["canonical"], s)
    check("the promise is kept", s["bound"] is None or (s["bound"] <= s["budget"] and s["measured_error"] <= s["budget"]), s)
    check("labels are better than one annotator", s["final_error"] < 0.08, s)
    rows = [json.loads(x) for x in open(f"{tmp}/whole/export/labels.jsonl")]
    check("a row per item", len(rows) == 542)
    side = {}
    for row in rows:
        side.setdefault(row["group"], set()).add(row["split"])
    check("groups stay on one side", all(len(x) == 1 for x in side.values()))
    by_item = {row["provenance"]["item"]: row for row in rows}
    twins = [(r, by_item[r["provenance"]["duplicate_of"]]) for r in rows if "duplicate_of" in r["provenance"]]
    check("duplicates share label and side", twins and all(a["label"] == b["label"] and a["split"] == b["split"] for a, b in twins))
    again = karat("run", QUICK, "--dir", f"{tmp}/whole", "--json")
    check("running again adds nothing", again.returncode == 0 and json.loads(again.stdout)["answers"] == s["answers"], again.stderr)
    return export_of(f"{tmp}/whole")


def seeds(tmp, n):
    kept = 0
    for seed in range(n):
        s = json.loads(karat("run", QUICK, "--dir", f"{tmp}/seed{seed}", "--seed", str(seed), "--json").stdout)
        kept += s["bound"] is None or s["measured_error"] <= s["budget"]
    # 95 % sure allows one in twenty to fail; more than that and three standard deviations is a broken promise
    check(f"the bound holds as often as promised ({kept} of {n} seeds)", kept >= n - 0.05 * n - 3 * (0.0475 * n) ** 0.5, f"{kept} of {n}")


def killed(tmp, want, times):
    rng, kills, folder = random.Random(3), 0, f"{tmp}/killed"
    for attempt in range(20 * times):
        p = subprocess.Popen([KARAT, "run", QUICK, "--dir", folder], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(rng.uniform(0.005, 0.25))
        if p.poll() is None:
            p.send_signal(signal.SIGKILL)
            p.wait()
            kills += 1
        elif p.returncode != 0:
            check("resumes after a kill", False, p.stderr.read())
            return
        else:  # it got to its end: compare, and begin anew
            if export_of(folder) != want:
                check("export after kills is the same, byte for byte", False, f"after {kills} kills")
                return
            if kills >= times:
                break
            shutil.rmtree(folder)
        p.stderr.close()
    r = karat("run", QUICK, "--dir", folder)
    check(f"export after {kills} kills is the same, byte for byte", r.returncode == 0 and kills >= times and export_of(folder) == want, r.stderr)
    r = karat("audit", "verify", folder)
    check("the audit log holds after the kills", r.returncode == 0, r.stdout)


def tampered(tmp):
    src = f"{tmp}/whole"
    changes = {
        "changed": "UPDATE event SET body=replace(body,'\"label\"','\"Label\"') WHERE seq=(SELECT MIN(seq) FROM event WHERE body LIKE '%annotation.submit%')",
        "missing": "DELETE FROM event WHERE seq=30",
        "reordered": "UPDATE event SET seq=-1 WHERE seq=20; UPDATE event SET seq=20 WHERE seq=21; UPDATE event SET seq=21 WHERE seq=-1",
        "data": "UPDATE annotation SET label=(label+1)%5 WHERE id=(SELECT MAX(id) FROM annotation)",
        "head": "UPDATE tree_head SET signature=zeroblob(64)",
    }
    for what, sql in changes.items():
        folder = f"{tmp}/tamper-{what}"
        shutil.copytree(src, folder)
        db = sqlite3.connect(f"{folder}/karat.db")
        db.executescript(sql)
        db.close()
        r = karat("audit", "verify", folder)
        check(f"tampering is named: {what}", r.returncode == 1 and r.stdout.startswith(what), r.stdout + r.stderr)
    blobs = [os.path.join(d, f) for d, _, fs in os.walk(f"{src}/blobs") for f in fs]
    shutil.copytree(src, f"{tmp}/tamper-blob")
    victim = blobs[0].replace(src, f"{tmp}/tamper-blob")
    b = bytearray(open(victim, "rb").read())
    b[len(b) // 2] ^= 1
    open(victim, "wb").write(b)
    r = karat("audit", "verify", f"{tmp}/tamper-blob")
    check("a changed blob is named", r.returncode == 1 and "data" in r.stdout, r.stdout)


def proofs(tmp):
    r = karat("audit", "proof", f"{tmp}/whole", "--item", "m007")
    check("a label can be proved", r.returncode == 0, r.stderr)
    open(f"{tmp}/proof.json", "w").write(r.stdout)
    key = open(f"{tmp}/whole/keys/audit.public").read()
    check("the proof holds offline", karat("audit", "check", f"{tmp}/proof.json", "--key", key).returncode == 0)
    check("another key is refused", karat("audit", "check", f"{tmp}/proof.json", "--key", "00" * 32).returncode == 1)
    open(f"{tmp}/forged.json", "w").write(r.stdout.replace("consensus", "Consensus").replace("route", "Route"))
    check("a forged event is refused", karat("audit", "check", f"{tmp}/forged.json").returncode == 1)


def real_people(tmp):
    text = open(QUICK).read()
    text = text[: text.index("simulate:")] + text[text.index("export:") :]
    text = text.replace("items.jsonl", os.path.join(ROOT, "examples/quickstart/items.jsonl"))
    open(f"{tmp}/people.yaml", "w").write(text)
    topic = {r["id"]: r["topic"] for r in map(json.loads, open(os.path.join(ROOT, "examples/quickstart/items.jsonl")))}
    d, rounds = f"{tmp}/people", 0
    while rounds < 30:
        r = karat("run", f"{tmp}/people.yaml", "--dir", d, "--json")
        if r.returncode or not json.loads(r.stdout).get("waiting"):
            break
        rounds += 1
        for role, names in (([], ["ada", "ben", "eve"]), (["--expert"], ["xena"])):
            rows = list(csv.DictReader(io.StringIO(karat("label", d, "--todo", *role).stdout)))
            with open(f"{tmp}/votes.csv", "w") as f:
                f.write("item,annotator,label\n")
                for row in rows:
                    for name in names:
                        wrong = name == "eve" and hash_of(row["item"]) % 5 == 0
                        f.write(f"{row['item']},{name},{'praise' if wrong else topic[row['item']]}\n")
            karat("label", d, f"{tmp}/votes.csv", *role)
    check("real answers through CSV finish the flow", r.returncode == 0 and 3 <= rounds < 30 and json.loads(r.stdout)["left_out"] == 0, r.stdout + r.stderr)
    check("nobody is called simulated then", r.returncode == 0 and not json.loads(r.stdout)["simulated"], r.stdout)
    open(f"{tmp}/votes.csv", "w").write("item,annotator,label\nm000,ada,zebra\nnosuch,ada,order\n")
    r = karat("label", d, f"{tmp}/votes.csv")
    check("bad answers are refused by line", "votes.csv:2" in r.stderr and "zebra" in r.stderr and "votes.csv:3" in r.stderr and "0 answers taken" in r.stdout, r.stdout + r.stderr)
    check("the log of real answers verifies", karat("audit", "verify", d).returncode == 0)


def step_by_step(tmp, want):
    d = f"{tmp}/steps"
    karat("init", d, "--pipeline", QUICK)
    karat("ingest", d, os.path.join(ROOT, "examples/quickstart/items.jsonl"))
    out = {v: karat(v, d, "--json") for v in ("dedup", "functions", "select", "prelabel", "route", "consensus", "quality", "report")}
    check("every stage has its verb", all(r.returncode == 0 for r in out.values()), [r.stderr for r in out.values()])
    j = {v: json.loads(r.stdout) for v, r in out.items()}
    check("and says what it did", j["dedup"]["exact_duplicates"] == 11 and len(j["functions"]["functions"]) == 8 and j["prelabel"]["predicted"] == j["dedup"]["canonical"]
          and j["route"]["auto"] == j["quality"]["report"]["auto"] > 0 and j["report"]["report"].endswith("report.html"), j)
    karat("export", d)
    check("step by step gives what the whole run gives", export_of(d) == want)
    r = karat("simulate", d)
    check("simulating again changes nothing", r.returncode == 0 and export_of(d) == want, r.stderr)


PIPE = """project: t
labels: [a, b]
sources: [{path: %s, fields: {id: id, text: text, gold: y}}]
"""


def bad_input(tmp):
    def run(data, name="in.jsonl", yaml=PIPE, folder=None):
        path = f"{tmp}/{name}"
        if data is not None:
            open(path, "wb").write(data)
        open(f"{tmp}/p.yaml", "w").write(yaml.replace("%s", path))
        folder = folder or tempfile.mkdtemp(dir=tmp)
        return karat("run", f"{tmp}/p.yaml", "--dir", folder), folder

    def rejects(folder):
        return sqlite3.connect(f"{folder}/karat.db").execute("SELECT line, field, reason FROM reject ORDER BY line").fetchall()

    good = b'{"id":"1","text":"hello there","y":"a"}\n{"id":"2","text":"good bye","y":"b"}\n'
    r, d = run(good + b'{"id":"3","text":\n')
    check("malformed JSON is rejected by line", rejects(d) and rejects(d)[0][0] == 3, (r.stderr, rejects(d)))
    r, d = run(good + b'{"id":"3","text":"\xff\xfe"}\n')
    check("invalid UTF-8 is rejected by line", [x[0] for x in rejects(d)] == [3], (r.stderr, rejects(d)))
    r, d = run(good + b'{"id":"3","words":"x"}\n')
    check("a missing field is rejected and named", rejects(d) and "text" in rejects(d)[0][1] + rejects(d)[0][2], rejects(d))
    r, d = run(good + b'{"id":"3","text":"x","y":"zebra"}\n')
    check("an unknown label is rejected and named", rejects(d) and "zebra" in rejects(d)[0][2], rejects(d))
    r, d = run(good + b'{"id":"1","text":"something else"}\n')
    check("an id used twice is rejected", rejects(d) and "already" in rejects(d)[0][2], rejects(d))
    r, _ = run(b"")
    check("an empty file is said", r.returncode == 3 and "empty" in r.stderr, r.stderr)
    r, _ = run(None, "absent.jsonl")
    check("a missing file is named", r.returncode == 3 and "absent.jsonl" in r.stderr, r.stderr)
    r, d = run(good + b'{"id":"3","text":"' + b"x" * (40 << 20) + b'"}\n' + b'{"id":"4","text":"after"}\n')
    n = sqlite3.connect(f"{d}/karat.db").execute("SELECT n_items FROM project").fetchone()[0]
    check("a line too long is rejected, the rest is taken", n == 3 and rejects(d), (n, rejects(d), r.stderr))
    r, _ = run(good, yaml=PIPE + "lables: [x]\n")
    check("a wrong key is named with its line", r.returncode == 3 and ":4" in r.stderr and "labels" in r.stderr, r.stderr)
    r, _ = run(good, yaml=PIPE + "functions: [{name: f, label: c, any: [x]}]\n")
    check("a function's unknown label is named", r.returncode == 3 and "label c" in r.stderr, r.stderr)
    r, _ = run(good, yaml=PIPE + "functions: [{name: f, label: a, regex: '(a'}]\n")
    check("a broken regex is named", r.returncode == 3 and "regex" in r.stderr, r.stderr)
    r, _ = run(good, yaml=PIPE + "functions: [{name: f, lua: 'function(item) return os.exit() end'}]\n")
    check("lua cannot leave its sandbox", "abstained" in r.stderr and r.returncode in (0, 3), r.stderr)
    r, _ = run(good, yaml=PIPE + "functions: [{name: f, lua: 'function(item) while true do end end'}]\n")
    check("lua cannot loop for ever", "steps" in r.stderr, r.stderr)
    r = karat("run", "nowhere.yaml")
    check("a missing pipeline is named", r.returncode == 3 and "nowhere.yaml" in r.stderr, r.stderr)
    r = karat("rum")
    check("a wrong verb gets a suggestion", r.returncode == 2 and "run" in r.stderr, r.stderr)
    shutil.copytree(f"{tmp}/whole", f"{tmp}/broken")
    os.truncate(f"{tmp}/broken/karat.db", 20000)
    for f in ("karat.db-wal", "karat.db-shm"):
        if os.path.exists(f"{tmp}/broken/{f}"):
            os.remove(f"{tmp}/broken/{f}")
    r = karat("status", f"{tmp}/broken")
    check("a truncated database is said", r.returncode == 4 and "damaged" in r.stderr, r.stderr)
    open(f"{tmp}/broken/karat.db", "wb").write(b"not a database at all, but long enough")
    r = karat("status", f"{tmp}/broken")
    check("a file that is no database is said", r.returncode == 4 and "not an SQLite" in r.stderr, r.stderr)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", os.path.join(tmp, "small")], capture_output=True).returncode == 0:
        r = karat("run", QUICK, "--dir", f"{tmp}/small/w")
        check("a full disk is said", r.returncode == 4 and ("full" in r.stderr or "space" in r.stderr), r.stderr)
        subprocess.run(["mount", "-o", "remount,ro", f"{tmp}/small"])
        r = karat("run", QUICK, "--dir", f"{tmp}/small/x")
        check("a read-only folder is said", r.returncode == 4 and "ead-only" in r.stderr, r.stderr)
        subprocess.run(["umount", f"{tmp}/small"])
    else:
        print("skipped: full disk and read-only folder (mounting is not allowed here)")


def one_writer(tmp):
    with open(f"{tmp}/whole/lock", "r+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)  # as a writer holds it, for as long as the test wants
        r = karat("run", QUICK, "--dir", f"{tmp}/whole")
        check("a second writer is turned away", r.returncode == 4 and "another karat" in r.stderr, r.stderr)
        r = karat("status", f"{tmp}/whole")
        check("a reader is not", r.returncode == 0, r.stderr)
    r = karat("run", QUICK, "--dir", f"{tmp}/whole")
    check("when it is gone, the next one may", r.returncode == 0, r.stderr)


def main():
    tmp = tempfile.mkdtemp(prefix="karat-test-")
    os.mkdir(f"{tmp}/small")
    try:
        want = whole_flow(tmp)
        step_by_step(tmp, want)
        proofs(tmp)
        tampered(tmp)
        real_people(tmp)
        bad_input(tmp)
        one_writer(tmp)
        seeds(tmp, int(os.environ.get("SEEDS", "20")))
        killed(tmp, want, int(os.environ.get("KILLS", "50")))
    finally:
        subprocess.run(["umount", f"{tmp}/small"], capture_output=True)
        shutil.rmtree(tmp, ignore_errors=True)
    end()


main()
