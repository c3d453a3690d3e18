"""Several projects in one workspace: each has its own labels, export and report."""
import json, os, shutil, subprocess, tempfile

from kit import check, end

KARAT = os.environ["KARAT"]


def run(tmp, name, word):
    with open(f"{tmp}/{name}.jsonl", "w") as f:
        for i in range(60):
            f.write(json.dumps({"id": f"{name}{i}", "text": f"{word if i % 2 else 'other'} number {i} of {name}", "topic": "yes" if i % 2 else "no"}) + "\n")
    open(f"{tmp}/{name}.yaml", "w").write(f"""project: {name}
labels: [yes, no]
sources: [{{path: {name}.jsonl, fields: {{id: id, text: text, truth: topic}}}}]
active_learning: {{start: 10, batch: 10, rounds: 0}}
budget: {{trusted: 10}}
simulate: {{annotators: 4}}
""")
    return subprocess.run([KARAT, "run", f"{tmp}/{name}.yaml", "--dir", f"{tmp}/ws"], capture_output=True, text=True, timeout=120)


def ids(path):
    return {json.loads(x)["id"] for x in open(path)}


def others(tmp):
    """A third project asks the first: for its labels, for its model's predictions."""
    first = [json.loads(x) for x in open(f"{tmp}/ws/export/labels.jsonl")]
    open(f"{tmp}/three.jsonl", "w").writelines(open(f"{tmp}/one.jsonl").readlines()[:40])
    def figures(functions):
        open(f"{tmp}/three.yaml", "w").write(f"project: three\nlabels: [maybe, yes, no]\nsources: [{{path: three.jsonl, fields: {{id: id, text: text, gold: topic}}}}]\nfunctions:\n{functions}")
        subprocess.run([KARAT, "init", f"{tmp}/ws", "--pipeline", f"{tmp}/three.yaml"], capture_output=True)
        subprocess.run([KARAT, "ingest", f"{tmp}/ws", f"{tmp}/three.jsonl", "--project", "three", "--id", "id", "--gold", "topic"], capture_output=True)
        return subprocess.run([KARAT, "functions", f"{tmp}/ws", "--project", "three", "--json"], capture_output=True, text=True)
    r = figures("  - {name: labels, project: one}\n  - {name: model, project: one, predictions: true}\n")
    f = {x["name"]: x for x in json.loads(r.stdout)["functions"]} if r.returncode == 0 else {}
    by_id = {x["id"]: x["label"] for x in first}
    want = {l: sum(by_id[f"one{i}"] == l for i in range(40)) for l in ("yes", "no")}
    got = {x["label"]: x["votes"] for x in f.get("labels", {}).get("labels", [])}
    check("another project's labels vote, by id and by name", f and got == want and f["labels"]["kind"] == "project", (r.stderr, got, want))
    check("and so does its model", f and f["model"]["votes"] == 40 and f["model"]["gold"]["right"] > 30, f.get("model"))
    again = json.loads(figures("  - {name: labels, project: one}\n  - {name: model, project: one, predictions: true}\n").stdout)
    check("they run again only when it says something else", again["ran"] == 0, again["ran"])
    for functions, word in (("  - {name: x, project: nowhere}\n", "nowhere"), ("  - {name: x, project: one, label: yes}\n", "names its labels itself")):
        r = figures(functions)
        check(f"refused, with the line: {word}", r.returncode == 3 and word in r.stderr and "three.yaml" in r.stderr, r.stderr)
    r = subprocess.run([KARAT, "functions", f"{tmp}/ws", "--project", "three", "--try", "{project: one}"], capture_output=True, text=True)
    check("a rule that is tried may not ask", r.returncode != 0 and "may not" in r.stderr, r.stderr)


def main():
    tmp = tempfile.mkdtemp(prefix="karat-projects-")
    try:
        one, two = run(tmp, "one", "apple"), run(tmp, "two", "pear")
        check("both run", one.returncode == 0 and two.returncode == 0, one.stderr + two.stderr)
        check("the first writes to export, the second to its own folder", ids(f"{tmp}/ws/export/labels.jsonl") == {f"one{i}" for i in range(60)} and
              ids(f"{tmp}/ws/export-2/labels.jsonl") == {f"two{i}" for i in range(60)})
        check("and says so", "export-2/labels.jsonl" in two.stdout and "report-2.html" in two.stdout, two.stdout)
        check("each has its report", "<h1>one" in open(f"{tmp}/ws/report.html").read() and "<h1>two" in open(f"{tmp}/ws/report-2.html").read())
        for name, folder in (("one", "export"), ("two", "export-2")):
            r = subprocess.run([KARAT, "export", f"{tmp}/ws", "--project", name, "--format", "csv"], capture_output=True, text=True)
            check(f"karat export of project {name} goes there, too", r.returncode == 0 and f"/{folder}/labels.csv" in r.stdout and os.path.exists(f"{tmp}/ws/{folder}/labels.csv"), r.stdout + r.stderr)
        others(tmp)
        r = subprocess.run([KARAT, "audit", "verify", f"{tmp}/ws"], capture_output=True, text=True)
        check("the log holds", r.returncode == 0, r.stdout)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    end()


main()
