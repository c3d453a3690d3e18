"""Every stored answer of KARAT_SHARED/reference whose method the Python package has. Exits 77 when the folder or numpy is absent."""
import _numpy  # noqa: F401
import collections, glob, json, os, sys

import numpy as np
import karat

REFERENCE = os.path.join(os.environ.get("KARAT_SHARED", "../shared"), "reference")
failures, passed, missing = [], collections.Counter(), collections.Counter()


def close(what, got, want, tolerance):
    """Nested lists of numbers; None is undefined, and so is NaN."""
    if isinstance(want, list):
        got = got.tolist() if isinstance(got, np.ndarray) else list(got)
        assert len(got) == len(want), f"{what}: {len(got)} numbers, expected {len(want)}"
        for n, (g, w) in enumerate(zip(got, want)):
            close(f"{what}[{n}]", g, w, tolerance)
        return
    got = None if got is not None and got != got else got
    assert (got is None) == (want is None), f"{what}: {got}, expected {want}"
    assert want is None or abs(got - want) <= tolerance, f"{what}: {got}, expected {want} within {tolerance}"


def numbers(x):
    return np.array([[np.nan if v is None else v for v in row] for row in x], dtype=np.float64)


def cohen_kappa(i, want, t):
    a, b = numbers([i["a"], i["b"]])
    for weights, x in want.items():
        close(weights, karat.cohen_kappa(a, b, weights, i["labels"]), x, t["abs"])


def fleiss_kappa(i, want, t):
    close("fleiss", karat.fleiss_kappa(i["counts"]), want["fleiss"], t["abs"])
    close("randolph", karat.randolph_kappa(i["counts"]), want["randolph"], t["abs"])


def krippendorff_alpha(i, want, t):
    for level, x in want["alpha"].items():
        m = numbers(i["reliability"])
        close(level, karat.krippendorff_alpha(m, level, i["value_domain"]), x, t["abs"])
        close(level + ", other strides", karat.krippendorff_alpha(np.asfortranarray(m), level, i["value_domain"]), x, t["abs"])
        rows = [(u, s, v) for s, row in enumerate(i["reliability"]) for u, v in enumerate(row)]
        close(level + ", votes", karat.agree(rows, "krippendorff_alpha", level=level, labels=i["value_domain"]).value, x, t["abs"])


def merged(method):
    def check(i, want, t):
        gold = {int(k): v for k, v in (i.get("gold") or {}).items()} or None
        weights = {int(k): v for k, v in i["worker_weight"].items()} if "worker_weight" in i else None
        options = {"n_iter": i["n_iter"]} if "n_iter" in i else {}
        got = karat.aggregate([tuple(v) for v in i["task_worker_label"]], method, gold=gold, weights=weights, **options)
        assert got.items == want["tasks"] and got.labels == want["labels"], "items or labels differ"
        close("probas", got.probs, want["probas"], t["abs"])
        for item, row in zip(got.items, want["probas"]):
            best = sorted(row)[-2:]
            if len(best) < 2 or best[1] - best[0] >= 1e-9 or method in ("majority", "weighted_majority", "wawa"):
                assert got.to_dict()[item] == want["consensus"][str(item)], f"item {item}"
        accuracy = want.get("worker_agreement") if method == "majority" else want.get("skills")
        for s, a in zip(got.sources, got.source_accuracy.tolist()):
            if isinstance(accuracy, dict):
                close(f"source {s}", a, accuracy[str(s)], t["abs"])
        for l, p in zip(got.labels, got.prior.tolist()):
            if "priors" in want:
                close(f"prior of {l}", p, want["priors"][str(l)], t["abs"])
        if "confusion_worker_observed_true" in want:
            close("confusion", got.confusion, want["confusion_worker_observed_true"], t["abs"])
    return check


def label_issues(i, want, t):
    y = i["labels"]
    for p in (np.array(i["pred_probs"]), np.asfortranarray(i["pred_probs"])):
        for f in ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given", "low_self_confidence", "low_normalized_margin"):
            got = np.flatnonzero(karat.find_label_issues(y, p, f)).tolist()
            assert got == want["issues_" + f], f"{f}: {got}"
        ranked = karat.find_label_issues(y, p, return_indices_ranked_by="self_confidence")
        score = karat.get_label_quality_scores(y, p)
        assert score[ranked].tolist() == score[want["issues_ranked_by_self_confidence"]].tolist(), "the order by self-confidence"
        for q in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
            close(q, karat.get_label_quality_scores(y, p, q), want["quality_" + q], t["quality_abs"])
        close("thresholds", karat.confident_thresholds(y, p), want["thresholds"], t["thresholds_abs"])
        close("raw joint", karat.compute_confident_joint(y, p, calibrate=False), want["confident_joint_raw"], 0)
        joint = karat.compute_confident_joint(y, p)
        close("joint", joint, want["confident_joint"], 0)
        close("shares", joint / len(y), want["joint"], t["joint_abs"])
        assert karat.num_label_issues(y, p) == want["num_issues_off_diagonal"]


def token_label_issues(i, want, t):
    found = karat.find_token_label_issues(i["labels"], i["pred_probs"])
    assert sorted(map(list, found)) == sorted(want["issues_sentence_token"]), found
    score, tokens = karat.get_token_label_quality_scores(i["labels"], i["pred_probs"])
    close("min", score, want["sentence_score_min"], t["abs"])
    close("tokens", tokens, want["token_scores"], t["abs"])
    close("softmin", karat.get_token_label_quality_scores(i["labels"], i["pred_probs"], "softmin")[0], want["sentence_score_softmin"], t["abs"])


def object_label_quality(i, want, t):
    labels = [{"bboxes": x["bboxes_xyxy"], "labels": x["labels"]} for x in i["labels"]]
    said = [{"bboxes": [b[:4] for boxes in x for b in boxes], "labels": [k for k, boxes in enumerate(x) for _ in boxes], "scores": [b[4] for boxes in x for b in boxes]}
            for x in i["predictions_per_class_xyxy_score"]]
    got = karat.get_box_label_quality_scores(labels, said)
    close("image", got["image"], want["image_score"], t["abs"])
    for key in ("overlooked", "badloc", "swap"):
        close(key, got[key], want[key], t["abs"])


def classification_metrics(i, want, t):
    got = karat.score_classes(i["y"], probs=i["probs"])
    for key, x in want.items():
        close(key, got[{"ece15": "ece", "mce15": "mce"}.get(key, key)], x, t["abs"])


def span_f1(i, want, t):
    for key in want:
        if key.startswith("entities"):
            continue
        got = karat.span_scores(i["true"], i["pred"], key.replace("strict_", ""))
        assert sorted(got) == sorted(want[key]), f"{key}: {sorted(got)}"
        for name, row in want[key].items():
            for measure, x in row.items():
                close(f"{key} {name} {measure}", got[name][measure], x, t["abs"])


def box_iou(i, want, t):
    close("iou", karat.box_iou(i["dt_xywh"], i["gt_xywh"], i["iscrowd"]), want["iou"], t["abs"])


def coco_map(i, want, t):
    rows = lambda x: [{"image_id": r["image"], "category_id": r["category"], **r} for r in x]
    got = karat.coco_map(rows(i["gt"]), rows(i["dt"]), i["image_ids"], i["category_ids"])
    defined = lambda x: None if x == -1 else x
    for key, name in (("AP", "ap"), ("AP50", "ap50"), ("AP75", "ap75"), ("APs", "ap_small"), ("APm", "ap_medium"), ("APl", "ap_large"), ("AR1", "ar1"),
                      ("AR10", "ar10"), ("AR100", "ar100"), ("ARs", "ar_small"), ("ARm", "ar_medium"), ("ARl", "ar_large")):
        close(key, got[name], defined(want[key]), t["abs"])
    for c, a, b in zip(i["category_ids"], want["AP_per_category"], want["AP50_per_category"]):
        close(f"AP of {c}", got["per_category"][c]["ap"], defined(a), t["abs"])
        close(f"AP50 of {c}", got["per_category"][c]["ap50"], defined(b), t["abs"])


def uncertainty(i, want, t):
    got = karat.uncertainty(i["probs"])
    for key, x in want.items():
        close(key, got[key], x, 0 if key.startswith("rank") else t["abs"])


def mace(i, want, t):
    start = dict(zip(i["workers"], zip(i["init_spamming"], i["init_strategy"])))
    options = {k: i[k] for k in ("alpha", "beta", "strategy_prior", "smoothing") if k in i}
    got = karat.aggregate([tuple(v) for v in i["task_worker_label"]], "mace", start=start, settings={"method": i["method"], "n_iter": i["n_iter"], **options})
    close("probas", got.probs, want["probas"], t["abs"])
    close("spamming", got.more["source_spamming"], want["spamming"], t["abs"])
    close("strategy", got.more["source_strategy"], want["strategy"], t["abs"])


def glad(i, want, t):
    got = karat.glad([tuple(v) for v in i["task_worker_label"]])
    close("probas", got.probs, want["probas"], t["probas_abs"])
    for s, a in zip(got.sources, got.more["source_ability"].tolist()):
        close(f"ability of {s}", a, want["alphas"][str(s)], t["alphas_abs"])
    for n, e in zip(got.items, got.more["item_ease"].tolist()):
        close(f"log ease of {n}", e, want["log_betas"][str(n)], t["log_betas_abs"])


def crowdlab(i, want, t):
    rows = [(n, s, l) for n, row in enumerate(i["labels"]) for s, l in enumerate(row)]
    k = len(i["pred_probs"][0])
    votes = karat.votes(rows, labels=range(k))
    got = karat.crowdlab(votes, probs=i["pred_probs"])
    assert got.label == want["consensus_label"], got.label
    close("quality", [p[l] for p, l in zip(got.probs, got.label)], want["consensus_quality"], t["abs"])
    quality = [[None if l is None else p[l] for l in row] for p, row in zip(got.probs, i["labels"])]
    close("quality of votes", quality, want["label_quality_per_annotator"], t["abs"])
    close("annotator quality", got.source_accuracy, want["annotator_quality"], t["abs"])
    close("annotator weight", got.more["source_weight"], want["annotator_weight"], t["abs"])
    labelled, unlabelled, _ = karat.crowdlab_active(votes, i["pred_probs"], i["pred_probs_unlabeled"])
    close("active, labelled", labelled, want["active_learning_labeled"], t["abs"])
    close("active, unlabelled", unlabelled, want["active_learning_unlabeled"], t["abs"])


def label_model(i, want, t):
    h, k = i["hyper"], i["cardinality"]
    got = karat.label_model(i["L"], k, "moments", h["class_balance"], n_epochs=h["n_epochs"], lr=h["lr"], prec_init=h["prec_init"], init_scale=i["init_scale"])
    close("probas", got.probs[want["probas_rows"]], want["probas"], t["probas_abs"])
    close("weights", got.accuracy, want["lf_weights"], t["lf_weights_abs"])
    for key, x in (("lf_coverage", got.coverage), ("lf_overlap", got.overlap), ("lf_conflict", got.conflict)):
        close(key, x, want[key], t["lf_stats_abs"])
    close("majority", karat.label_model(i["L"], k, "majority").probs[want["probas_rows"]], want["majority_probas"], 1e-7)
    em = karat.label_model(i["L"], k, class_balance=h["class_balance"]).probs.argmax(1)
    right = sum(str(a) == b for a, b in zip(em.tolist(), want["planted_truth"]))
    assert right / len(em) >= t["other_algorithm_min_accuracy"], right


def bradley_terry(i, want, t):
    got = karat.rank([(w, b if w == a else a) for a, b, w in i["left_right_winner"]])
    for thing, x in want["scores"].items():
        close(thing, got[int(thing)], x, t["abs"])


def rover(i, want, t):
    for task, x in want["text"].items():
        assert karat.merge_texts([text for n, _, text in i["task_worker_text"] if str(n) == task]) == x, task


def segmentation(i, want, t):
    for key, n_iter, most in (("majority", 0, 0), ("em10", 10, t["em10_max_pixel_differences"])):
        for task, mask in want[key].items():
            got, _ = karat.merge_masks([[[int(c) for c in row] for row in m] for n, _, m in i["task_worker_mask"] if str(n) == task], n_iter)
            assert (got != np.array([[c == "1" for c in row] for row in mask])).sum() <= most, f"{key}: {task}"


def minhash(i, want, t):
    if "a" in want:
        assert [[str(x) for x in p.tolist()] for p in karat.minhash_permutations(i["num_perm"], i["seed"])] == [want["a"], want["b"]]
    for (threshold, n), best in zip(i.get("threshold_numperm", []), want.get("bands_rows", [])):
        assert list(karat.minhash_bands(threshold, n)) == best, (threshold, n)
    for (a, b), w in zip(i.get("pairs", []), want.get("pairs", [])):
        close("jaccard", karat.jaccard(a, b, i["shingle"]), w["jaccard"], t["jaccard_abs"])
        close("estimate", karat.minhash_estimate(*karat.minhash([a, b], i["shingle"])), w["estimate"], t["estimate_abs_same_hash"])


CHECKS = {f.__name__: f for f in (cohen_kappa, fleiss_kappa, krippendorff_alpha, label_issues, token_label_issues, object_label_quality,
                                  classification_metrics, span_f1, box_iou, coco_map, uncertainty, mace, glad, crowdlab, label_model, bradley_terry,
                                  rover, segmentation, minhash)}
CHECKS.update(majority_vote=merged("majority"), weighted_majority_vote=merged("weighted_majority"), wawa=merged("wawa"), dawid_skene=merged("dawid_skene"),
              one_coin_dawid_skene=merged("one_coin_dawid_skene"))

if not os.path.isdir(REFERENCE):
    print("skipped: reference (no folder", REFERENCE + ")")
    sys.exit(77)
for path in sorted(glob.glob(os.path.join(REFERENCE, "*__*.json"))):
    case = json.load(open(path))
    check = CHECKS.get(case["method"])
    if not check:
        missing[case["method"]] += 1
        continue
    try:
        check(case["input"], case["expected"], case["tolerance"])
        passed[case["method"]] += 1
    except Exception as e:  # noqa: BLE001: whatever it is, the case failed
        failures.append(f"{case['method']}__{case['case']}: {type(e).__name__}: {e}")
for m in sorted(passed):
    print(f"{m}: {passed[m]} cases agree")
for m in sorted(missing):
    print(f"not covered here: {m} ({missing[m]} cases)")
print("\n".join(failures))
sys.exit(bool(failures))
