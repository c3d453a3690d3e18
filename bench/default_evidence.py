"""Is the default merge as good as its table on crowds it was not tuned on? PYTHONPATH=python /usr/bin/python3 bench/default_evidence.py [loo|planted]

loo: its five constants chosen on eight of the nine public crowds (best mean accuracy over a grid) and judged on the ninth.
planted: collections whose truth is known: confusions, hard items, spammers, colluders, unequal labels, few votes, 2 to 1,000
labels; mean of SEEDS (5) collections each: accuracy against majority and Dawid-Skene, the worst collection against the majority, ECE of the
posterior, and how often the 95 % intervals of the sources' accuracies hold the planted accuracy.

Prints the tables of bench/README.md; loo exits 77 when the folder of the crowds is absent."""
import itertools, os, sys

import numpy as np
import karat

from public_crowds import CROWDS, need, rows

SEEDS = int(os.environ.get("SEEDS", "5"))
GRID = [dict(unnamed=u, hard=h, coin_share=c, coin_right=2.8 * n, coin_wrong=1.2 * n)
        for u, h, c, n in itertools.product((0.05, 0.2, 0.5, 1), (0.2, 0.4, 0.7, 1), (0, 0.25, 0.5), (1, 3))]
DEFAULT = dict(unnamed=0.2, hard=0.4, coin_share=0.25, coin_right=2.8, coin_wrong=1.2)


def crowd(path, truth):
    first = {}
    for i, s, l in rows(path):
        first.setdefault((i, s), l)
    return karat.votes([(i, s, l) for (i, s), l in first.items()]), {r[0]: r[1] for r in rows(truth)}


def share(consensus, gold):
    got = consensus.to_dict()
    judged = [i for i in gold if i in got]
    return sum(str(got[i]) == gold[i] for i in judged) / len(judged)


def leave_one_out():
    need("loo")
    table, heads, default = [], [], []
    for _, path, truth in CROWDS:
        v, gold = crowd(path, truth)
        heads.append(share(karat.majority_vote(v), gold))
        default.append(share(karat.aggregate(v), gold))
        table.append([share(karat.aggregate(v, **o), gold) for o in GRID])
    table = np.array(table)
    print("| left out | majority | constants chosen on the others | accuracy on the one left out | less majority | the default |")
    print("|---|---|---|---|---|---|")
    got = []
    for x, (name, _, _) in enumerate(CROWDS):
        best = int(np.delete(table, x, axis=0).mean(axis=0).argmax())
        got.append(table[x, best])
        print(f"| {name} | {heads[x]:.4f} | " + ", ".join(f"{k} {v:g}" for k, v in GRID[best].items()) + f" | {got[x]:.4f} | {100 * (got[x] - heads[x]):+.1f} | {default[x]:.4f} |")
    print(f"| mean | {np.mean(heads):.4f} | | {np.mean(got):.4f} | worst {100 * min(np.subtract(got, heads)):+.1f} | {np.mean(default):.4f} |")
    means = table.mean(axis=0)
    gain = (table - np.array(heads)[:, None]).min(axis=0)
    print(f"\nof {len(GRID)} settings: mean accuracy {means.min():.4f} to {means.max():.4f}, median {np.median(means):.4f}; worst crowd against the majority {100 * gain.min():+.1f} to {100 * gain.max():+.1f} points")


def plan(n=2000, s=40, k=4, per=5, low=0.55, high=0.95, spammers=0, biased=0, colluders=0, skew=1.0, hard=0.0, by_label=False, near=0.0):
    return locals()


REGIMES = [("plain, 2 labels", plan(k=2)), ("plain, 4 labels", plan()), ("plain, 10 labels", plan(k=10)), ("plain, 100 labels", plan(k=100, n=4000)),
           ("plain, 1,000 labels", plan(k=1000, n=4000)), ("accuracies differ by label", plan(by_label=True, low=0.4)),
           ("mistakes go to the next label", plan(near=0.8)), ("half of the items hard", plan(hard=0.5)), ("a third guess at random", plan(spammers=13)),
           ("half guess at random", plan(spammers=20)), ("a third always say the first label", plan(biased=13)), ("4 of 40 copy one another", plan(colluders=4)),
           ("8 of 40 copy one another", plan(colluders=8)), ("90 % one label, 2 labels", plan(k=2, skew=1 / 9)), ("each label a third of the one before", plan(k=5, skew=1 / 3)),
           ("2 votes an item", plan(per=2)), ("1 vote an item", plan(per=1)), ("20 votes an item, 100 items", plan(n=100, per=20)),
           ("passers-by: 4 votes each", plan(n=400, s=500)), ("barely better than chance, 2 labels", plan(k=2, low=0.5, high=0.65)),
           ("3 annotators", plan(s=3, per=3)), ("all of it, 5 labels", plan(k=5, spammers=8, biased=4, colluders=4, skew=0.6, hard=0.2, by_label=True, near=0.5))]


def collection(p, rng):
    """Votes, truth, and each source's planted accuracy (NaN for who copies)."""
    n, s, k, per = p["n"], p["s"], p["k"], p["per"]
    weight = p["skew"] ** np.arange(k)
    truth = rng.choice(k, n, p=weight / weight.sum())
    accuracy = rng.uniform(p["low"], p["high"], (s, k if p["by_label"] else 1)) @ (np.eye(k) if p["by_label"] else np.ones((1, k)))
    kinds = np.zeros(s, int)  # 1 guesses, 2 says the first label, 3 copies
    kinds[:p["spammers"]], kinds[p["spammers"]:p["spammers"] + p["biased"]] = 1, 2
    kinds[s - p["colluders"]:] = 3
    source = np.array([rng.choice(s, per, replace=False) for _ in range(n)]).ravel()
    item = np.repeat(np.arange(n), per)
    t, is_hard = truth[item], (rng.random(n) < p["hard"])[item]
    a = accuracy[source, t]
    a = np.where(is_hard, (a + 1 / k) / 2, a)
    other = (t + 1 + rng.integers(0, max(k - 1, 1), len(t))) % k
    wrong = np.where(rng.random(len(t)) < p["near"], (t + 1) % k, other)
    label = np.where(rng.random(len(t)) < a, t, wrong)
    label = np.where(kinds[source] == 1, rng.integers(0, k, len(t)), np.where(kinds[source] == 2, 0, label))
    said = {}
    for q in np.flatnonzero(kinds[source] == 3):  # the first of them on an item is copied by the others
        label[q] = said.setdefault(item[q], label[q])
    share_of = weight / weight.sum()
    planted = (1 - p["hard"]) * accuracy @ share_of + p["hard"] * ((accuracy + 1 / k) / 2) @ share_of
    planted = np.where(kinds == 1, 1 / k, np.where(kinds == 2, share_of[0], np.where(kinds == 3, np.nan, planted)))
    return karat.votes(item, source, label, labels=range(k)), truth, planted


def ece(p, right):
    bins = np.minimum((p * 15).astype(int), 14)
    return sum(abs(p[bins == b].sum() - right[bins == b].sum()) for b in range(15)) / len(p)


def planted():
    print("| planted | majority | Dawid-Skene | auto | worst less majority | ECE | intervals that hold |")
    print("|---|---|---|---|---|---|---|")
    every = []
    for name, p in REGIMES:
        got = []
        for seed in range(SEEDS):
            v, truth, accuracy = collection(p, np.random.default_rng(seed))
            t = truth[v.items]
            right = lambda c: np.array(c.label) == t
            best, heads = karat.aggregate(v), karat.majority_vote(v)
            ci, a = best.more["source_ci"], accuracy[v.sources]
            known = ~np.isnan(a)
            inside = ((ci[:, 0] <= a) & (a <= ci[:, 1]))[known].mean()
            got.append([right(heads).mean(), right(karat.dawid_skene(v)).mean(), right(best).mean(), ece(best.probs.max(1), right(best)), inside])
        got = np.array(got)
        m = got.mean(axis=0)
        every.append([*m, (got[:, 2] - got[:, 0]).min()])
        print(f"| {name} | {m[0]:.4f} | {m[1]:.4f} | {m[2]:.4f} | {100 * every[-1][5]:+.1f} | {m[3]:.3f} | {m[4]:.3f} |", flush=True)
    every = np.array(every)
    m = every.mean(axis=0)
    print(f"| mean | {m[0]:.4f} | {m[1]:.4f} | {m[2]:.4f} | {100 * every[:, 5].min():+.1f} | {m[3]:.3f} | {m[4]:.3f} |")


wanted = sys.argv[1:] or ["planted", "loo"]
for what in wanted:
    {"loo": leave_one_out, "planted": planted}[what]()
