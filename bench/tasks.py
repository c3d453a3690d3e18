"""tasks.py KARAT SHARED [SEEDS]: the flow on real sets of labels and regions with simulated people, five seeds unless said: whole answers that are right on items
not learned from, asked about by what they teach and at random; what was approved, and how much of it was wrong."""
import json, os, sqlite3, statistics, subprocess, sys, tempfile

WORDS = {"bread": ["bread", "dough", "yeast", "sourdough"], "chicken": ["chicken", "chickens", "poultry"], "eggs": ["egg", "eggs", "yolk", "yolks"], "sauce": ["sauce", "sauces", "gravy"],
         "baking": ["bake", "baking", "cake", "cookies", "oven", "dough"], "meat": ["meat", "beef", "pork", "steak"], "food-safety": ["safe", "safety", "spoil", "botulism", "bacteria"]}
FLOW = """active_learning: {start: 100, batch: 100, rounds: %d}
budget: {error: %g, confidence: 0.9, trusted: 300}
simulate: {annotators: 6, experts: 2, accuracy: 0.9, expert_accuracy: 1}
"""


def cooking(shared):
    rows = [json.loads(x) for n in ("train", "dev") for x in open(f"{shared}/data/text-cooking-multilabel/cooking-{n}.jsonl")]
    return [{"id": r["meta"]["id"], "text": r["text"], "truth": [k for k, v in r["cats"].items() if v and k in WORDS]} for r in rows], list(WORDS)


def personal(shared):
    rows = json.load(open(f"{shared}/data/ner-pii-synthetic/synth_dataset_v2.json"))
    rows = [{"id": f"p{i}", "text": x["full_text"], "truth": [[s["start_position"], s["end_position"], s["entity_type"]] for s in x["spans"]]} for i, x in enumerate(rows)]
    return rows, sorted({s[2] for r in rows for s in r["truth"]})


def main():
    karat, shared, seeds = os.path.abspath(sys.argv[1]), sys.argv[2], int((sys.argv + ["5"])[3])
    functions = "functions:\n" + "".join(f"  - {{name: '{k}', label: '{k}', any: {json.dumps(w)}}}\n" for k, w in WORDS.items())
    for name, task, (rows, labels), more, rounds, budget in (("cooking, 7 functions", "multi-label", cooking(shared), functions, 3, 0.2), ("cooking, no functions", "multi-label", cooking(shared), "", 3, 0.2),
                                                             ("personal data", "spans", personal(shared), "", 2, 0.15)):
        curve, auto, wrong, final = {}, [], [], []
        for seed in range(1, seeds + 1):
            with tempfile.TemporaryDirectory() as t:
                open(f"{t}/x.jsonl", "w").writelines(json.dumps(r) + "\n" for r in rows)
                open(f"{t}/x.yaml", "w").write(f"project: x\ntask: {task}\nseed: {seed}\nlabels: {json.dumps(labels)}\nsources: [{{path: x.jsonl, fields: {{id: id, text: text, truth: truth}}}}]\n{more}{FLOW % (rounds, budget)}")
                out = json.loads(subprocess.run([karat, "run", f"{t}/x.yaml", "--dir", f"{t}/w", "--json"], capture_output=True, text=True, check=True).stdout)
                for line in sqlite3.connect(f"{t}/w/karat.db").execute("select body from doc where name='learn.curve'").fetchone()[0].split():
                    n, active, chance = map(float, line.split(","))
                    curve.setdefault(int(n), []).append((active, chance))
                auto.append(out["auto"] / out["canonical"])
                wrong += [out["measured_error"]] if out["auto"] else []
                final.append(out["final_error"])
        mean = lambda v: f"{statistics.mean(v):.3f}" if v else "–"
        print(f"{name}: " + ", ".join(f"{n}: {mean([a for a, _ in v])} (random {mean([c for _, c in v])})" for n, v in curve.items()))
        print(f"    budget {budget}: approved {mean(auto)}, wrong of it {mean(wrong)}, over the budget in {sum(w > budget for w in wrong)} of {seeds}; final answers wrong {mean(final)}")


main()
