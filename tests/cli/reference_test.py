"""Every stored answer of KARAT_SHARED/reference whose method the filters know, through the command line. Methods without a
filter of their own are listed as not covered; exits 77 when the folder is absent."""
import collections, csv, glob, hashlib, json, math, os, shutil, subprocess, sys, tempfile

KARAT = os.environ["KARAT"]
REFERENCE = os.path.join(os.environ.get("KARAT_SHARED", "../shared"), "reference")
failures = []
passed = collections.Counter()


def karat(args, text):
    r = subprocess.run([KARAT] + args, input=text.encode(), capture_output=True, timeout=120)
    if r.returncode:
        raise AssertionError(f"karat {' '.join(args)}: exit {r.returncode}: {r.stderr.decode().strip()}")
    return json.loads(r.stdout)


def close(what, got, want, tolerance):
    if got is None or want is None:
        assert got is None and want is None, f"{what}: {got}, expected {want}"
    else:
        assert abs(got - want) <= tolerance, f"{what}: {got}, expected {want} within {tolerance}"


def votes_csv(rows):
    return "item,annotator,label\n" + "".join(f"{i},{s},{'' if l is None else l}\n" for i, s, l in rows)


def tasks_csv(case):
    return votes_csv(case["input"]["task_worker_label"])


def agree(method, options, rows):
    args = ["agree", "-", "--json", "--method", method]
    for o in options:
        args += ["--set", o]
    got = karat(args, votes_csv(rows))
    assert got["method"] == method
    if got["ci95"] is not None:
        assert got["ci95"][0] <= got["value"] + 1e-12 and got["ci95"][1] >= got["value"] - 1e-12, got
    return got["value"]


def listed(name, values):
    return [] if values is None else [f"{name}={','.join(str(v) for v in values)}"]


def cohen_kappa(case):
    i = case["input"]
    rows = [(u, s, l) for u, pair in enumerate(zip(i["a"], i["b"])) for s, l in zip("ab", pair)]
    for weights, want in case["expected"].items():
        close(weights, agree("cohen_kappa", [f"weights={weights}"] + listed("labels", i["labels"]), rows), want, case["tolerance"]["abs"])


def fleiss_kappa(case):
    counts = case["input"]["counts"]
    rows = []
    for u, row in enumerate(counts):
        said = [c for c, n in enumerate(row) for _ in range(n)]
        rows += [(u, s, c) for s, c in enumerate(said)]
    for name, method in (("fleiss", "fleiss_kappa"), ("randolph", "randolph_kappa")):
        close(name, agree(method, listed("labels", range(len(counts[0]))), rows), case["expected"][name], case["tolerance"]["abs"])


def krippendorff_alpha(case):
    i = case["input"]
    rows = [(u, s, l) for s, row in enumerate(i["reliability"]) for u, l in enumerate(row)]
    for level, want in case["expected"]["alpha"].items():
        close(level, agree("krippendorff_alpha", [f"level={level}"] + listed("value_domain", i["value_domain"]), rows), want, case["tolerance"]["abs"])


def aggregate(case, method, options=(), files=(), tolerance=None):
    """Runs one aggregator and checks probabilities and consensus; returns the whole answer."""
    want, tolerance = case["expected"], tolerance or case["tolerance"]["abs"]
    args = ["aggregate", "-", "--json", "--method", method]
    for o in options:
        args += ["--set", o]
    paths = []
    try:
        for option, text in files:
            f = tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False)
            f.write(text)
            f.close()
            paths.append(f.name)
            args += [option, f.name]
        got = karat(args, tasks_csv(case))
    finally:
        for p in paths:
            os.unlink(p)
    items = {i["item"]: i for i in got["items"]}
    assert sorted(items) == sorted(str(t) for t in want["tasks"]), "the items differ"
    for t, row in zip(want["tasks"], want["probas"]):
        item = items[str(t)]
        for label, p in zip(want["labels"], row):
            close(f"item {t} label {label}", item["posterior"][str(label)], p, tolerance)
        best = sorted(row)[-2:]
        if len(best) < 2 or best[1] - best[0] >= 1e-9 or method in ("majority_vote", "weighted_majority_vote", "wawa"):
            assert item["label"] == str(want["consensus"][str(t)]), f"item {t}: {item['label']}"
    return got


def sources(got, expected, tolerance):
    by_name = {s["annotator"]: s for s in got["sources"]}
    for name, want in expected.items():
        close(f"annotator {name}", by_name[name]["accuracy"], want, tolerance)


def priors(got, case):
    for label, want in case["expected"].get("priors", {}).items():
        close(f"prior of {label}", got["prior"][label], want, case["tolerance"]["abs"])


def majority_vote(case):
    got = aggregate(case, "majority_vote")
    sources(got, case["expected"].get("worker_agreement", {}), case["tolerance"]["abs"])


def weighted_majority_vote(case):
    weights = "annotator,weight\n" + "".join(f"{s},{w}\n" for s, w in case["input"]["worker_weight"].items())
    aggregate(case, "weighted_majority_vote", files=[("--weights", weights)])


def wawa(case):
    got = aggregate(case, "wawa")
    sources(got, case["expected"]["skills"], case["tolerance"]["abs"])


def dawid_skene(case):
    i, want = case["input"], case["expected"]
    files = [("--gold", "item,label\n" + "".join(f"{t},{l}\n" for t, l in i["gold"].items()))] if i.get("gold") else []
    got = aggregate(case, "dawid_skene", [f"n_iter={i['n_iter']}"], files)
    priors(got, case)
    by_name = {s["annotator"]: s for s in got["sources"]}
    for worker, matrix in zip(want.get("workers", []), want.get("confusion_worker_observed_true", [])):
        for said, row in zip(want["labels"], matrix):
            for truth, p in zip(want["labels"], row):
                close(f"annotator {worker} says {said} for {truth}", by_name[str(worker)]["confusion"][str(said)][str(truth)], p,
                      case["tolerance"]["abs"])


def one_coin_dawid_skene(case):
    got = aggregate(case, "one_coin_dawid_skene", [f"n_iter={case['input']['n_iter']}"])
    priors(got, case)
    sources(got, case["expected"]["skills"], case["tolerance"]["abs"])


def mace(case):
    i, want, t = case["input"], case["expected"], case["tolerance"]["abs"]
    labels = i["labels"]
    start = "id,spams,knows," + ",".join(map(str, labels)) + "\n" + "".join(
        f"{w},{','.join(map(repr, spam + strategy))}\n" for w, spam, strategy in zip(i["workers"], i["init_spamming"], i["init_strategy"]))
    options = [f"method={i['method']}", f"n_iter={i['n_iter']}"] + [f"{o}={i[o]}" for o in ("alpha", "beta", "strategy_prior", "smoothing") if o in i]
    got = aggregate(case, "mace", options, [("--start", start)])
    by_name = {s["annotator"]: s for s in got["sources"]}
    for w, spamming, strategy in zip(i["workers"], want["spamming"], want["strategy"]):
        s = by_name[str(w)]
        close(f"annotator {w} spams", s["spams"], spamming[0], t)
        close(f"annotator {w} knows", s["knows"], spamming[1], t)
        for label, p in zip(labels, strategy):
            close(f"annotator {w} strategy {label}", s["strategy"][str(label)], p, t)


def glad(case):
    want, t = case["expected"], case["tolerance"]
    got = aggregate(case, "glad", tolerance=t["probas_abs"])
    for s in got["sources"]:
        close(f"ability of {s['annotator']}", s["ability"], want["alphas"][s["annotator"]], t["alphas_abs"])
    for i in got["items"]:
        close(f"log ease of {i['item']}", i["log_ease"], want["log_betas"][i["item"]], t["log_betas_abs"])


def crowdlab(case):
    i, want, t = case["input"], case["expected"], case["tolerance"]["abs"]
    k = len(i["pred_probs"][0])
    votes = votes_csv([(n, s, l) for n, row in enumerate(i["labels"]) for s, l in enumerate(row)])
    probs = "item," + ",".join(map(str, range(k))) + "\n" + "".join(f"{n},{','.join(map(repr, row))}\n" for n, row in enumerate(i["pred_probs"]))
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as f:
        f.write(probs)
        f.flush()
        got = karat(["aggregate", "-", "--json", "--method", "crowdlab", "--probs", f.name], votes)
        for item, label, quality, row in zip(got["items"], want["consensus_label"], want["consensus_quality"], want["label_quality_per_annotator"]):
            assert item["label"] == str(label), f"item {item['item']}: {item['label']}, expected {label}"
            close(f"quality of {item['item']}", item["posterior"][item["label"]], quality, t)
            for said, q in zip(i["labels"][int(item["item"])], row):
                if said is not None:
                    close(f"quality of {said} for {item['item']}", item["posterior"][str(said)], q, t)
        for s, quality, weight in zip(sorted(got["sources"], key=lambda s: int(s["annotator"])), want["annotator_quality"], want["annotator_weight"]):
            close(f"quality of annotator {s['annotator']}", s["accuracy"], quality, t)
            close(f"weight of annotator {s['annotator']}", s["weight"], weight, t)


def label_model(case):
    i, want, t = case["input"], case["expected"], case["tolerance"]
    k, L = i["cardinality"], i["L"]
    rows = "item," + ",".join(f"lf{j}" for j in range(len(L[0]))) + "\n" + "".join(f"{n},{','.join(map(str, row))}\n" for n, row in enumerate(L))
    labels = ["--labels", ",".join(map(str, range(k)))]
    h = i["hyper"]
    args = ["denoise", "-", "--json"] + labels
    moments = karat(args + ["--method", "moments", "--set", f"n_epochs={h['n_epochs']}", "--set", f"lr={h['lr']}",
                            "--set", f"prec_init={h['prec_init']}", "--set", f"init_scale={i['init_scale']}",
                            "--class-balance", ",".join(map(str, h["class_balance"]))], rows)
    for n, row in zip(want["probas_rows"], want["probas"]):
        for label, p in enumerate(row):
            close(f"item {n} label {label}", moments["items"][n]["posterior"][str(label)], p, t["probas_abs"])
    for key, name, tolerance in (("lf_weights", "accuracy", t["lf_weights_abs"]), ("lf_coverage", "coverage", t["lf_stats_abs"]),
                                 ("lf_overlap", "overlap", t["lf_stats_abs"]), ("lf_conflict", "conflict", t["lf_stats_abs"])):
        for f, x in zip(moments["functions"], want[key]):
            close(f"{f['function']} {name}", f[name], x, tolerance)
    majority = karat(args + ["--method", "majority"], rows)
    for n, row in zip(want["probas_rows"], want["majority_probas"]):
        for label, p in enumerate(row):
            close(f"majority: item {n}", majority["items"][n]["posterior"][str(label)], p, 1e-7)
    em = karat(args + ["--class-balance", ",".join(map(str, h["class_balance"]))], rows)
    free = karat(args, rows)
    scores = []
    for got in (em, free, moments):
        right = sum(g["label"] == truth for g, truth in zip(got["items"], want["planted_truth"]))
        scores.append(right / len(L))
    if "-v" in sys.argv:
        print(case["case"], "em, em with estimated balance, moments:", scores, "least", t["other_algorithm_min_accuracy"])
    assert scores[0] >= t["other_algorithm_min_accuracy"], f"em: {scores[0]} of the planted truth"


def bradley_terry(case):
    rows = "left,right,winner\n" + "".join(f"{a},{b},{w}\n" for a, b, w in case["input"]["left_right_winner"])
    got = karat(["aggregate", "-", "--json", "--method", "bradley_terry"], rows)
    for t in got["things"]:
        close(t["thing"], t["strength"], case["expected"]["scores"][t["thing"]], case["tolerance"]["abs"])
    assert len(got["things"]) == len(case["expected"]["scores"])


def rover(case):
    rows = "item,annotator,text\n" + "".join(f"{t},{w},{text}\n" for t, w, text in case["input"]["task_worker_text"])
    got = karat(["aggregate", "-", "--json", "--method", "rover"], rows)
    assert {i["item"]: i["text"] for i in got["items"]} == case["expected"]["text"]


def segmentation(case):
    rows = "item,annotator,mask\n" + "".join(f"{t},{w},{'/'.join(mask)}\n" for t, w, mask in case["input"]["task_worker_mask"])
    for option, key, most in (("majority", "majority", 0), ("em", "em10", case["tolerance"]["em10_max_pixel_differences"])):
        got = karat(["aggregate", "-", "--json", "--method", "segmentation", "--set", f"method={option}"], rows)
        for i in got["items"]:
            want = "/".join(case["expected"][key][i["item"]])
            assert len(want) == len(i["mask"]) and sum(a != b for a, b in zip(want, i["mask"])) <= most, f"{key}: item {i['item']}"


def files_of(**tables):
    """A folder with one CSV a name; rows are lists, the first the header."""
    d = tempfile.mkdtemp()
    for name, rows in tables.items():
        with open(os.path.join(d, name + ".csv"), "w", newline="") as f:
            csv.writer(f).writerows([["" if x is None else repr(x) if isinstance(x, float) else x for x in row] for row in rows])
    return d


def filter_on(args, **tables):
    """Runs args with each {name} replaced by that table's file."""
    d = files_of(**tables)
    try:
        return karat([a.format(**{n: os.path.join(d, n + ".csv") for n in tables}) for a in args] + ["--json"], "")
    finally:
        shutil.rmtree(d)


def closes(what, got, want, tolerance):
    assert len(got) == len(want), f"{what}: {len(got)} numbers, expected {len(want)}"
    for n, (g, w) in enumerate(zip(got, want)):
        (closes if isinstance(w, list) else close)(f"{what}[{n}]", g, w, tolerance)


def label_issues(case):
    i, want, t = case["input"], case["expected"], case["tolerance"]
    tables = dict(labels=[["label"]] + [[x] for x in i["labels"]], probs=[[f"c{k}" for k in range(len(i["pred_probs"][0]))]] + i["pred_probs"])
    args = ["errors", "--labels", "{labels}", "--probs", "{probs}", "--all"]
    for name in ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given", "low_self_confidence", "low_normalized_margin"):
        got = filter_on(args + ["--filter", name], **tables)
        assert sorted(x["index"] for x in got["issues"]) == want["issues_" + name], f"{name}: {sorted(x['index'] for x in got['issues'])}"
        if name == "prune_by_noise_rate":
            score = got["quality"]  # equal scores may stand in any order
            assert [score[x["index"]] for x in got["issues"]] == [score[n] for n in want["issues_ranked_by_self_confidence"]], "the order by self-confidence"
    for key, tolerance in (("thresholds", t["thresholds_abs"]), ("confident_joint_raw", 0), ("confident_joint", 0), ("joint", t["joint_abs"])):
        closes(key, got[key], want[key], tolerance)
    assert got["num_issues_off_diagonal"] == want["num_issues_off_diagonal"], got["num_issues_off_diagonal"]
    for q in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
        closes(q, filter_on(args + ["--quality", q], **tables)["quality"], want["quality_" + q], t["quality_abs"])


def token_label_issues(case):
    i, want = case["input"], case["expected"]
    rows = [(s, l, p) for s, (labels, probs) in enumerate(zip(i["labels"], i["pred_probs"])) for l, p in zip(labels, probs)]
    got = filter_on(["errors", "--task", "tokens", "--labels", "{labels}", "--probs", "{probs}", "--all"],
                    labels=[["sentence", "label"]] + [[s, l] for s, l, _ in rows], probs=[[f"c{k}" for k in range(len(rows[0][2]))]] + [p for _, _, p in rows])
    issues = [[int(x["sentence"]), x["token"]] for x in got["issues"]]
    assert sorted(issues) == sorted(want["issues_sentence_token"]), issues
    t = case["tolerance"]["abs"]
    closes("sentence min", [s["quality_min"] for s in got["sentences"]], want["sentence_score_min"], t)
    closes("sentence softmin", [s["quality_softmin"] for s in got["sentences"]], want["sentence_score_softmin"], t)
    closes("tokens", [s["tokens"] for s in got["sentences"]], want["token_scores"], t)


def object_label_quality(case):
    i, want, t = case["input"], case["expected"], case["tolerance"]["abs"]
    labels = [[n, l] + b for n, image in enumerate(i["labels"]) for b, l in zip(image["bboxes_xyxy"], image["labels"])]
    said = [[n, k] + b for n, image in enumerate(i["predictions_per_class_xyxy_score"]) for k, boxes in enumerate(image) for b in boxes]
    got = filter_on(["errors", "--task", "boxes", "--labels", "{labels}", "--probs", "{probs}"],
                    labels=[["image", "label", "x1", "y1", "x2", "y2"]] + labels, probs=[["image", "label", "x1", "y1", "x2", "y2", "score"]] + said)
    score = {x["image"]: x["quality"] for x in got["images"]}
    closes("images", [score[str(n)] for n in range(len(want["image_score"]))], want["image_score"], t)
    by_image = lambda rows, key: [[x[key] for x in rows if x["image"] == str(n)] for n in range(len(want["image_score"]))]
    closes("badloc", by_image(got["boxes"], "badloc"), want["badloc"], t)
    closes("swap", by_image(got["boxes"], "swap"), want["swap"], t)
    closes("overlooked", by_image(got["predictions"], "overlooked"), want["overlooked"], t)


def classification_metrics(case):
    i, want, t = case["input"], case["expected"], case["tolerance"]["abs"]
    got = filter_on(["score", "{truth}", "--probs", "{probs}"], truth=[["label"]] + [[x] for x in i["y"]],
                    probs=[[str(k) for k in range(len(i["probs"][0]))]] + i["probs"])
    for key, x in want.items():
        key = {"ece15": "ece", "mce15": "mce"}.get(key, key)
        if key in ("precision", "recall", "f1", "support"):
            closes(key, [c[key] for c in got["classes"]], x, t)
        else:
            (closes if isinstance(x, list) else close)(key, got[key], x, t)


def span_f1(case):
    i, want = case["input"], case["expected"]
    tables = {side: [["sentence", "tag"]] + [[n, tag] for n, tags in enumerate(i[side]) for tag in tags] for side in ("pred", "true")}
    for key in [k for k in want if k == "default" or k.startswith("strict_")]:
        got = filter_on(["score", "{pred}", "{true}", "--task", "spans", "--set", "scheme=" + key.replace("strict_", "")], **tables)
        types = {x.pop("type"): x for x in got["types"]}
        assert sorted(types) == sorted(want[key]), f"{key}: types {sorted(types)}"
        for name, row in want[key].items():
            for measure, x in row.items():
                close(f"{key} {name} {measure}", types[name][measure], x, case["tolerance"]["abs"])


def box_iou(case):
    i = case["input"]
    got = filter_on(["score", "{dt}", "{gt}", "--task", "iou"], dt=[["x", "y", "width", "height"]] + i["dt_xywh"],
                    gt=[["x", "y", "width", "height", "iscrowd"]] + [b + [c] for b, c in zip(i["gt_xywh"], i["iscrowd"])])
    closes("iou", got["iou"], case["expected"]["iou"], case["tolerance"]["abs"])


def coco_map(case):
    i, want, t = case["input"], case["expected"], case["tolerance"]["abs"]
    row = lambda x, last: [x["image"], x["category"]] + x["bbox"] + [last]
    header = ["image", "label", "x", "y", "width", "height"]
    got = filter_on(["score", "{dt}", "{gt}", "--task", "boxes"], dt=[header + ["score"]] + [row(x, x["score"]) for x in sorted(i["dt"], key=lambda x: x["image"])],
                    gt=[header + ["iscrowd"]] + [row(x, x["iscrowd"]) for x in i["gt"]])
    defined = lambda x: None if x == -1 else x
    for key in ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"):
        close(key, got[key], defined(want[key]), t)
    classes = {c["label"]: c for c in got["classes"]}
    for name, key in (("AP_per_category", "AP"), ("AP50_per_category", "AP50")):
        for c, x in zip(i["category_ids"], want[name]):
            close(f"{key} of {c}", classes.get(str(c), {}).get(key), defined(x), t)


def uncertainty(case):
    want = case["expected"]
    got = filter_on(["score", "{probs}", "--task", "uncertainty"], probs=[[f"c{k}" for k in range(len(case["input"]["probs"][0]))]] + case["input"]["probs"])
    for key, x in want.items():
        closes(key, got[key], x, 0 if key.startswith("rank") else case["tolerance"]["abs"])


def lines(args, text):
    r = subprocess.run([KARAT] + args, input=text.encode(), capture_output=True, timeout=120)
    assert r.returncode == 0, r.stderr.decode()
    return [json.loads(x) for x in r.stdout.splitlines()]


def minhash(case):
    i, want, t = case["input"], case["expected"], case["tolerance"]
    if "a" in want:  # the permutations show in the signatures: of one shingle, by their definition
        for word in ("one", "two", "three"):
            h = int.from_bytes(hashlib.sha1(word.encode()).digest()[:4], "little")
            slots = [((int(a) * h + int(b)) % 2**64 % (2**61 - 1)) & 0xffffffff for a, b in zip(want["a"], want["b"])]
            got = lines(["near", "-", "--signatures", "--slots", str(i["num_perm"]), "--seed", str(i["seed"])], json.dumps({"text": word}))
            assert got[0]["minhash"] == slots, word
    for (threshold, n), best in zip(i.get("threshold_numperm", []), want.get("bands_rows", [])):
        got = karat(["near", "--explain", "--json", "--threshold", str(threshold), "--slots", str(n)], "")
        assert [got["bands"], got["rows"]] == best, (threshold, n, got)
    pairs = "".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in i.get("pairs", []))
    for got, w in zip(lines(["near", "-", "--compare", "--json", "--shingle", i["shingle"]], pairs) if pairs else [], want.get("pairs", [])):
        assert (got["shingles_a"], got["shingles_b"]) == (w["shingles_a"], w["shingles_b"]), (got, w)
        close("jaccard", got["jaccard"], w["jaccard"], t["jaccard_abs"])
        close("estimate", got["estimate"], w["estimate"], t["estimate_abs_same_hash"])


CHECKS = {f.__name__: f for f in (cohen_kappa, fleiss_kappa, krippendorff_alpha, majority_vote, weighted_majority_vote, wawa,
                                  dawid_skene, one_coin_dawid_skene, mace, glad, crowdlab, label_model, bradley_terry, rover, segmentation,
                                  label_issues, token_label_issues, object_label_quality, classification_metrics, span_f1, box_iou, coco_map,
                                  uncertainty, minhash)}

if not os.path.isdir(REFERENCE):
    print("skipped: reference (no folder", REFERENCE + ")")
    sys.exit(77)
missing = collections.Counter()
for path in sorted(glob.glob(os.path.join(REFERENCE, "*__*.json"))):
    case = json.load(open(path))
    check = CHECKS.get(case["method"])
    if not check:
        missing[case["method"]] += 1
        continue
    try:
        check(case)
        passed[case["method"]] += 1
    except AssertionError as e:
        failures.append(f"{case['method']}__{case['case']}: {e}")
for m in sorted(passed):
    print(f"{m}: {passed[m]} cases agree")
for m in sorted(missing):
    print(f"not covered here: {m} ({missing[m]} cases)")
print("\n".join(failures))
sys.exit(bool(failures))
