#!/usr/bin/env python3
"""The promise of automatic approval, over and over: python3 bench/replay.py BUILD [REPLAYS]

A population of items with scores and known rights is fixed (planted ones, and real sets of shared/data: for texts Karat's own model is
trained once, on other items); then the trusted sample is drawn anew REPLAYS times (1000) and a threshold found, through libkarat. Per set:
the share of replays in which the true error of the population at or above the threshold is over the budget (at most 5 % is promised), and
the same without the trusted items themselves;
the share approved on average; what an oracle would approve: the best single threshold that somebody who knows the population fixes in advance,
tested at the whole 5 % by the same exact binomial test on samples of that size; conformal selection's mean share of wrong ones and
what it approves; and what fixed cuts at 0.9 and 0.95 of the score approve, with their errors. Ends with the speed of calibration,
bound and thresholds over ten million scores.

Then the same of projects that learn on while people work (bench/watch.c, the flow's own functions): an untrained start, a first routing and five
looks, on planted sets and real texts, with the model trained anew each time. Broken: any batch of any round over the budget, of the items
approved, and together with those that judged them; routing once; approved by routing once with everything, and after each look."""
import csv, gzip, math, os, subprocess, sys, time

here = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("KARAT_LIBRARY", os.path.abspath(f"{sys.argv[1] if len(sys.argv) > 1 else 'build'}/libkarat.so"))
sys.path[:0] = [os.path.join(here, "../python"), here]
import numpy as np
import karat
from learn_data import rows, shared

REPLAYS, DELTA = int(sys.argv[2]) if len(sys.argv) > 2 else 1000, 0.05


def matrix(path):
    with open(f"{shared}/{path}", newline="") as f:
        return np.array([r[1:] for r in list(csv.reader(f))[1:]], float)


def top(p, truth):
    return p.max(1), p.argmax(1) == truth


def texts(train, test):
    m = karat.LinearText()
    m.fit([t for _, t in train], [y for y, _ in train])
    p = m.predict_proba([t for _, t in test])
    return p.max(1), np.array(m.labels)[p.argmax(1)] == np.array([y for y, _ in test])


def planted(name, n=20000):
    rng = np.random.default_rng(7)
    if name == "calibrated":
        s = rng.beta(6, 1, n)
        return s, rng.random(n) < s
    if name == "too sure":  # logits doubled
        z = 1.6 + 1.4 * rng.standard_normal(n)
        return 1 / (1 + np.exp(-2 * z)), rng.random(n) < 1 / (1 + np.exp(-z))
    s = rng.random(n)  # the highest scores are not the best ones
    return s, rng.random(n) >= np.where(s > 0.95, 0.06, np.where(s > 0.5, 0.01, 0.3))


def real():
    yield "MNIST, given probabilities", 0.005, (1000, 2000), top(matrix("image-mnist-label-errors/pred_probs.csv"), np.frombuffer(
        gzip.open(f"{shared}/image-mnist-label-errors/t10k-labels-idx1-ubyte.gz").read()[8:], np.uint8))
    with open(f"{shared}/noisy-cifar10h/vote_counts.csv", newline="") as f:
        truth = np.array([int(r["label"]) for r in csv.DictReader(f)])
    yield "CIFAR-10 (10H), given probabilities", 0.02, (500, 1000), top(matrix("noisy-cifar10h/pred_probs.csv"), truth)
    yield "AG News", 0.05, (500, 1000), texts(rows("text-ag-news/pool-4998.csv", 1, 0, False), rows("text-ag-news/test-normalized.csv", 1, 0, False))
    yield "Banking77 (trained on its 3,080)", 0.05, (500, 1000), texts(rows("text-banking77/test.csv", 0, 1, True), rows("text-banking77/train.csv", 0, 1, True))
    sms = rows("weak-sms-spam/texts.csv", 3, 2, True)
    yield "SMS spam (trained on 500)", 0.01, (500, 1000), texts(sms[:500], sms[500:])


def most_wrong(m, budget):
    """Most wrong ones among n that one exact test at DELTA lets pass, for n to m; -1: none."""
    k, out = 0, np.full(m + 1, -1)
    logs = np.concatenate([[0], np.cumsum(np.log(np.arange(1, m + 1)))])
    for n in range(1, m + 1):
        cdf = lambda k: sum(math.exp(logs[n] - logs[i] - logs[n - i] + i * math.log(budget) + (n - i) * math.log1p(-budget)) for i in range(k + 1))
        while k <= n and cdf(k) <= DELTA:
            k += 1
        out[n] = k - 1
    return out


def replay(name, budget, m, score, right):
    score = score.astype(np.float32)
    order = np.argsort(-score, kind="stable")
    error_at = np.cumsum(~right[order]) / np.arange(1, len(score) + 1)  # of the best so many
    cuts = np.unique((np.arange(1, 201) * len(score) / 200).astype(int)) - 1
    cuts = np.array([np.flatnonzero(score[order] >= score[order][c]).max() for c in cuts])  # equal scores together
    grid, limit = score[order][cuts], most_wrong(m, budget)
    rng, broken, left, coverage, errors, passed = np.random.default_rng(11), 0, 0, [], [], np.zeros(len(cuts))
    fdp, selected = [], []
    for _ in range(REPLAYS):
        at = rng.choice(len(score), m, replace=False)
        r = karat.threshold(score, score[at], right[at], budget=budget, confidence=1 - DELTA)
        n = r["n_approved"]
        coverage.append(n / len(score))
        errors.append(error_at[n - 1] if n else 0)
        broken += errors[-1] > budget
        rest = np.ones(len(score), bool)
        rest[at] = False
        taken = rest & r["approve"]  # what is approved in the flow: not the trusted items, whose labels are people's
        left += taken.any() and (~right[taken]).mean() > budget
        st = np.argsort(-score[at], kind="stable")
        above = np.searchsorted(-score[at][st], -grid, side="right")
        wrong = np.concatenate([[0], np.cumsum(~right[at][st])])[above]
        passed += wrong <= limit[above]
        c = karat.conformal_select(score[rest], score[at], right[at], budget=budget)
        selected.append(c["approve"].mean())
        fdp.append((~right[rest][c["approve"]]).mean() if c["n_approved"] else 0)
    good = error_at[cuts] <= budget
    oracle = ((cuts + 1) / len(score) * passed / REPLAYS * good).max()
    fixed = [(c, (score >= c).mean(), (~right[score >= c]).mean() if (score >= c).any() else 0.0) for c in (0.9, 0.95)]
    got = np.mean(coverage)
    print(f"| {name} | {budget:.1%} | {m:,} | {broken / REPLAYS:.1%}, {left / REPLAYS:.1%} | {got:.1%} | {oracle:.1%} | {got / oracle if oracle else float('nan'):.2f} | {np.mean(errors):.2%} | "
          f"{np.mean(fdp):.2%}, {np.mean(selected):.1%} | " + " | ".join(f"{cov:.1%} at {e:.2%}" for _, cov, e in fixed) + " |", flush=True)
    return broken


def speed():
    rng = np.random.default_rng(1)
    z = 2 + 1.5 * rng.standard_normal(10_000_000).astype(np.float32)
    score = (1 / (1 + np.exp(-z))).astype(np.float32)
    t = score[:2000]
    right = rng.random(2000) < t ** 2 / (t ** 2 + (1 - t))  # so that a curve has to be fitted
    took = []
    for _ in range(3):
        start = time.perf_counter()
        _, used = karat.calibrate(score, t, right)
        middle = time.perf_counter()
        karat.threshold(score, t, right, budget=0.05)
        took.append((time.perf_counter() - start, middle - start))
    best = min(took)
    print(f"\n10,000,000 scores, 2,000 trusted items: calibration chosen ({used}) and applied {best[1]:.2f} s, bound and thresholds {best[0] - best[1]:.2f} s, "
          f"together {best[0]:.2f} s (aim: under 1 s)")


def watch(build):
    subprocess.run(["ninja", "-C", build, "bench_watch"], check=True, stdout=subprocess.DEVNULL)
    runs = [("planted: learning", 0.05, 500, 300, 0, "learning"), ("planted: learning, large batches", 0.05, 500, 1000, 0, "learning"),
            ("planted: the surest are wrong", 0.05, 500, 300, 0, "surest"), ("planted: just over the budget everywhere", 0.05, 500, 300, 0, "bad")]
    real = (("AG News", 0.1, 500, 300, 0, ("text-ag-news/pool-4998.csv", 1, 0, False)), ("AG News, each class its budget", 0.1, 500, 600, 1, ("text-ag-news/pool-4998.csv", 1, 0, False)),
            ("SMS spam", 0.02, 500, 300, 0, ("weak-sms-spam/texts.csv", 3, 2, True)), ("YouTube spam", 0.05, 300, 200, 0, ("text-youtube-spam/youtube_spam.csv", 3, 4, True)))
    for *settings, columns in real if os.path.isdir(shared) else ():
        path = f"{build}/bench-watch-{os.path.basename(columns[0])}.tsv"
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(f"{y}\t{' '.join(t.split())}\n" for y, t in rows(*columns))
        runs.append((*settings, path))
    print("\n| set | budget | trusted, batch | broken | routing once | approved by it | first routing and five looks | mean error |\n|---|---|---|---|---|---|---|---|", flush=True)
    worst = 0
    for name, budget, trusted, every, by_class, what in runs:
        line = subprocess.run([f"{build}/bench_watch", *map(str, (REPLAYS, budget, trusted, every, by_class, name, what))], check=True, capture_output=True, text=True).stdout
        print(line, end="", flush=True)
        worst = max(worst, float(line.split("|")[4].split("%")[0]) * REPLAYS / 100)
    return worst


def main():
    print("| set | budget | trusted | broken | approved | oracle | ratio | mean error | conformal: mean error, approved | cut at 0.9 | cut at 0.95 |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    worst = 0
    for name, budget in (("calibrated", 0.05), ("too sure", 0.05), ("sure and wrong", 0.03)):
        for m in (500, 1000):
            worst = max(worst, replay(f"planted: {name}", budget, m, *planted(name)))
    if os.path.isdir(shared):
        for name, budget, sizes, (score, right) in real():
            for m in sizes:
                worst = max(worst, replay(name, budget, m, np.asarray(score), np.asarray(right)))
    else:
        print(f"real sets skipped: no {shared}")
    worst = max(worst, watch(sys.argv[1] if len(sys.argv) > 1 else "build"))
    speed()
    most = DELTA * REPLAYS + 3.5 * math.sqrt(REPLAYS * DELTA * (1 - DELTA))
    sys.exit(1 if worst > most else 0)


main()
