"""flow.py KARAT [N …]: the whole flow (karat run) on N texts to classify, 10,000, 100,000 and 1,000,000 unless said: seconds per
stage, microseconds per item, answers by people per item, peak memory; then what each further item costs between two sizes (the
marginal cost: work that is the same at every size, as learning from a pool of 30,000, drops out of it)."""
import json, os, shutil, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import make_texts

PIPELINE = """project: flow
task: text-classification
seed: 7
labels: [%(labels)s]
sources:
  - path: %(data)s
    fields: {id: id, text: text, group: customer, truth: topic}
dedup:
  near: {threshold: 0.8}
functions:
%(rules)s
model: {kind: linear, words: 2, epochs: 10}
active_learning: {strategy: margin, start: 100, batch: 100, rounds: 4}
budget: {error: 0.05, confidence: 0.95, trusted: 1000}
review: {overlap: 2, expert_below: 0.25, gold_share: 0.05, lease: 10m}
consensus: {method: dawid_skene, min_posterior: 0.8}
simulate: {annotators: 12, experts: 3, accuracy: 0.9, expert_accuracy: 0.995, seconds_per_item: 8}
export: {format: jsonl, splits: {train: 0.8, test: 0.2}}
"""


def prepare(work, n):
    data, pipeline = os.path.join(work, f"labeled-{n}.jsonl"), os.path.join(work, f"flow-{n}.yaml")
    if not os.path.exists(data):
        subprocess.run([sys.executable, f"{here}/make_texts.py", str(n), data + ".tmp", "--labeled"], check=True)
        os.rename(data + ".tmp", data)
    rules = "\n".join(f"  - {{name: {name}, label: {topic}, any: [{', '.join(words)}]}}" for name, topic, words in make_texts.rules_of())
    with open(pipeline, "w") as f:
        f.write(PIPELINE % {"labels": ", ".join(make_texts.TOPICS), "data": data, "rules": rules})
    return pipeline


def run(karat, work, n):
    pipeline, dir = prepare(work, n), tempfile.mkdtemp(dir=work)
    start = time.monotonic()
    p = subprocess.Popen([karat, "run", pipeline, "--dir", dir, "--json"], stdout=subprocess.PIPE)
    out = p.stdout.read()
    _, status, use = os.wait4(p.pid, 0)
    seconds = time.monotonic() - start
    assert status == 0, f"karat run ended with {status}"
    shutil.rmtree(dir)
    report = json.loads(out)
    assert report["audit_ok"] and report["items"] == n
    return {"n": n, "seconds": seconds, "cpu": use.ru_utime + use.ru_stime, "mb": use.ru_maxrss / 1024, "stages": report["seconds"], "report": report}


def main():
    karat = os.path.abspath(sys.argv[1])
    sizes = [int(x) for x in sys.argv[2:]] or [10_000, 100_000, 1_000_000]
    work = os.path.join(os.path.dirname(karat), "bench")
    os.makedirs(work, exist_ok=True)
    runs = []
    for n in sizes:
        several = [run(karat, work, n) for _ in range(3 if n < 1_000_000 else 1)]
        runs.append(sorted(several, key=lambda r: r["seconds"])[len(several) // 2])
    print("| the whole flow | " + " | ".join(f"{r['n']:,} items" for r in runs) + " | further items, µs each |")
    print("|---|" + "---|" * (len(runs) + 1))

    def row(name, of, marginal=True):
        v = [of(r) for r in runs]
        more = [f"{(b - a) * 1e6 / (r2['n'] - r1['n']):.2f}" for a, b, r1, r2 in zip(v, v[1:], runs, runs[1:])] if marginal else []
        print(f"| {name} | " + " | ".join(f"{x:.2f} s, {x * 1e6 / r['n']:.2f} µs each" for x, r in zip(v, runs)) + f" | {', then '.join(more)} |")

    for stage in runs[0]["stages"]:
        row(stage, lambda r: r["stages"][stage])
    row("starting, reading the pipeline, ending", lambda r: r["seconds"] - sum(r["stages"].values()))
    row("**all**", lambda r: r["seconds"])
    row("processor time of it, all cores", lambda r: r["cpu"])
    review = lambda r: r["stages"]["route and review"] / r["report"]["answers"] * 1e6
    print("| route and review, an answer | " + " | ".join(f"{review(r):.1f} µs" for r in runs) + " | |")
    people = lambda r: f"{r['report']['answers'] / r['n']:.3f}"
    print("| answers by people, an item | " + " | ".join(map(people, runs)) + " | |")
    print("| approved by the machine | " + " | ".join(f"{r['report']['auto'] / r['n']:.3f}" for r in runs) + " | |")
    print("| peak memory | " + " | ".join(f"{r['mb']:.0f} MB" for r in runs) + " | |")
    first, last = runs[0], runs[-1]
    ratio = {k: (last[k] / last["n"]) / (first[k] / first["n"]) for k in ("seconds", "cpu")}
    print(f"\ncost per item at {last['n']:,} against {first['n']:,}: {ratio['seconds']:.2f} of it in time, {ratio['cpu']:.2f} in processor time (aim: at most 1.3)")


main()
