"""karat prelabel --explain on the quickstart, and every strategy of active learning in its flow, and when it stops. The words that decide a message about a
return are checked against what a reader would name."""
import json, os, re, sqlite3, subprocess, tempfile

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
        if name and name != "diverse":
            path = pipeline(t, name)
            if name == "active_lab":  # one answer an item, and more where it pays
                with open(path) as f:
                    text = f.read().replace("overlap: 3", "overlap: 1").replace("rounds: 3", "rounds: 6")
                with open(path, "w") as f:
                    f.write(text)
            done = json.loads(karat("run", path, "--dir", f"{t}/{name}", "--json").stdout)
            assert done["audit_ok"], name
    # whether a new label or one more answer: some items were asked about again, and what they agree on is counted once
    db = sqlite3.connect(f"file:{t}/active_lab/karat.db?mode=ro", uri=True)
    answers = dict(db.execute("select n, count(*) from (select count(*) n from annotation where label>=0 and gold=0 and withdrawn_us is null and queue=1"
                              " group by item) group by n"))
    assert answers[1] > 50 and sum(answers.get(n, 0) for n in (2, 3, 4)) > 5, answers
    assert db.execute("select count(*) from event where body like '%queue.more%'").fetchone()[0]
    held = {}
    for item, label in db.execute("select item, label from annotation where label>=0 and gold=0 and withdrawn_us is null and queue in (1, 2)"):
        held.setdefault(item, []).append(label)
    counted = [db.execute("select value from counter where name=?", (n,)).fetchone()[0] for n in ("pairs", "pairs.same")]
    of = lambda same: sum(not same or a == b for v in held.values() for i, a in enumerate(v) for b in v[:i])
    assert counted == [of(False), of(True)], (counted, of(False), of(True))
    karat("audit", "verify", f"{t}/active_lab")
    db.close()

    # labels that are paths: the same flow with a model that knows what lies together
    names = {"order": "shop/order", "repair": "workshop/repair", "return": "shop/return", "advice": "workshop/advice", "praise": "praise"}
    with open(f"{ROOT}/examples/quickstart/items.jsonl") as f, open(f"{t}/tree.jsonl", "w") as out:
        for l in f:
            out.write(json.dumps({**json.loads(l), "topic": names[json.loads(l)["topic"]]}) + "\n")
    with open(pipeline(t, "diverse")) as f:
        text = f.read()
    text = re.sub(r"label: (\w+)", lambda m: f"label: {names[m[1]]}", text.replace(f"{ROOT}/examples/quickstart/items.jsonl", f"{t}/tree.jsonl"))
    text = re.sub(r"labels: \[[^]]*\]", f"labels: [{', '.join(names.values())}]", text)
    text = text.replace("kind: linear", "kind: tree")
    assert "kind: tree" in text
    with open(f"{t}/tree.yaml", "w") as f:
        f.write(text)
    done = json.loads(karat("run", f"{t}/tree.yaml", "--dir", f"{t}/tree", "--json").stdout)
    assert done["audit_ok"] and done["final_error"] < 0.05 and done["auto"] > 100, done
    assert json.loads(karat("prelabel", f"{t}/tree", "--explain", "m007", "--json").stdout)["label"] == "shop/return"
    with open(f"{t}/odd.yaml", "w") as f:
        f.write(text.replace("kind: tree", "kind: forest"))
    assert "forest" in karat("run", f"{t}/odd.yaml", "--dir", f"{t}/odd", code=3).stderr

    # asking ends when 100 more labels bring too little, by gain or by price; it is told, and it is an event
    with open(pipeline(t, "diverse")) as f:
        text = f.read()
    answers = {}
    for name, stop in (("never", ""), ("gain", ", stop: {gain: 0.02}"), ("price", ", stop: {answer_price: 0.1, error_price: 3}")):
        with open(f"{t}/{name}.yaml", "w") as f:
            f.write(text.replace("rounds: 3", "rounds: 9" + stop))
        done = json.loads(karat("run", f"{t}/{name}.yaml", "--dir", f"{t}/stop_{name}", "--json").stdout)
        answers[name] = done["train"]
        assert 0 <= done["next_gain_lo"] <= done["next_gain"] <= done["next_gain_hi"] <= 1, done
        assert (done["next_gain"] < done["least_gain"]) == (name != "never"), done
    assert answers["gain"] < answers["never"] and answers["price"] < answers["never"], answers
    with sqlite3.connect(f"file:{t}/stop_gain/karat.db?mode=ro", uri=True) as db:
        assert db.execute("select count(*) from event where body like '%learn.stop%'").fetchone()[0] == 1
    assert "stopped at" in karat("run", f"{t}/gain.yaml", "--dir", f"{t}/stop_gain").stdout
    with open(f"{t}/half.yaml", "w") as f:
        f.write(text.replace("rounds: 3", "rounds: 9, stop: {answer_price: 0.1}"))
    assert "error_price" in karat("run", f"{t}/half.yaml", "--dir", f"{t}/half", code=3).stderr
