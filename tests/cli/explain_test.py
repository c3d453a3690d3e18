"""karat prelabel --explain on the quickstart, and every strategy of active learning in its flow. The words that decide a message about a
return are checked against what a reader would name."""
import json, os, subprocess, tempfile

KARAT, ROOT = os.environ["KARAT"], os.environ["KARAT_SOURCE_ROOT"]


def karat(*args, code=0):
    r = subprocess.run([KARAT, *args], capture_output=True, text=True, timeout=300)
    assert r.returncode == code, f"karat {' '.join(args)}: exit {r.returncode}, expected {code}: {r.stderr}"
    return r


def pipeline(dir, strategy):
    with open(f"{ROOT}/examples/quickstart/karat.yaml") as f:
        text = f.read()
    text = text.replace("path: items.jsonl", f"path: {ROOT}/examples/quickstart/items.jsonl").replace("strategy: diverse", f"strategy: {strategy}")
    assert f"strategy: {strategy}" in text
    path = f"{dir}/{strategy}.yaml"
    with open(path, "w") as f:
        f.write(text)
    return path


with tempfile.TemporaryDirectory() as t:
    karat("run", pipeline(t, "diverse"), "--dir", f"{t}/w")
    why = json.loads(karat("prelabel", f"{t}/w", "--explain", "m007", "--json").stdout)
    assert why["label"] == "return" and why["probability"] > why["second_probability"], why
    grams = [r["ngram"] for r in why["reasons"]]
    assert "function return_words: return" in grams and any("back" in g for g in grams), grams
    sizes = [abs(r["adds"]) for r in why["reasons"]]
    assert sizes == sorted(sizes, reverse=True) and why["reasons"][0]["adds"] > 0, why
    assert "return_words" in karat("prelabel", f"{t}/w", "--explain", "m007").stdout
    assert "no item" in karat("prelabel", f"{t}/w", "--explain", "nothing", code=3).stderr
    for strategy in karat("list", "selectors").stdout.split("\n"):
        name = strategy.split(" ")[0]
        if name and name not in ("diverse", "active_lab"):
            done = json.loads(karat("run", pipeline(t, name), "--dir", f"{t}/{name}", "--json").stdout)
            assert done["audit_ok"], name
    assert "needs the answers" in karat("run", pipeline(t, "active_lab"), "--dir", f"{t}/a", code=2).stderr
    assert "list selectors" in karat("run", pipeline(t, "nonsense"), "--dir", f"{t}/n", code=3).stderr
print("ok   labels are explained, and every strategy runs")
