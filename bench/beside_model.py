"""Votes with a model's probabilities beside them: PYTHONPATH=python /usr/bin/python3 bench/beside_model.py. Accuracy of the majority, Dawid-Skene, the model alone,
CROWDLAB and auto (with the probabilities), mean of 3 seeds, on real out-of-sample probabilities of ../shared/data:
CIFAR-10H with n of its fifty human votes an image drawn (they come as counts, so annotators are random numbers), and MNIST and CIFAR-10
with planted annotators, good and bad, of known labels; 'weak' models have the probabilities of another image for a share of the
images. ECE: of auto's posterior. Prints the table of bench/README.md; exits 77 when the folder is absent."""
import csv, gzip, os, sys

import numpy as np
import karat

DATA = os.path.join(os.environ.get("KARAT_SHARED", os.path.join(os.path.dirname(__file__), "../../shared")), "data")
SEEDS = int(os.environ.get("SEEDS", "3"))


def table(path):
    with open(os.path.join(DATA, path)) as f:
        return np.array([[float(x) for x in r] for r in list(csv.reader(f))[1:]])


def cifar():
    counts = table("noisy-cifar10h/vote_counts.csv")
    return counts[:, 1].astype(int), table("noisy-cifar10h/pred_probs.csv")[:, 1:], counts[:, 2:]


def mnist():
    with gzip.open(os.path.join(DATA, "image-mnist-label-errors/t10k-labels-idx1-ubyte.gz")) as f:
        return np.frombuffer(f.read()[8:], np.uint8).astype(int), table("image-mnist-label-errors/pred_probs.csv")[:, 1:]


def drawn_votes(counts, n, n_sources, rng):
    """n of the votes of each item, without returning any, by random annotators."""
    item, source, label = [], [], []
    for i, row in enumerate(counts.astype(int)):
        item += [i] * n
        source += rng.choice(n_sources, n, replace=False).tolist()
        label += rng.permutation(np.repeat(np.arange(10), row))[:n].tolist()
    return item, source, label


def planted_votes(truth, accuracies, n, rng):
    """n votes an item by annotators of these accuracies; half of a mistake goes to the next class."""
    n_items, s = len(truth), len(accuracies)
    source = np.array([rng.choice(s, n, replace=False) for _ in range(n_items)]).ravel()
    item = np.repeat(np.arange(n_items), n)
    t = truth[item]
    wrong = np.where(rng.random(len(t)) < 0.5, (t + 1) % 10, (t + 1 + rng.integers(0, 9, len(t))) % 10)
    return item, source, np.where(rng.random(len(t)) < accuracies[source], t, wrong)


def weaken(probs, share, rng):
    p = probs.copy()
    bad = np.flatnonzero(rng.random(len(p)) < share)
    p[bad] = p[rng.permutation(bad)]
    return p


def ece(consensus, truth):
    p, right = consensus.probs.max(1), np.array(consensus.label) == truth
    bins = np.minimum((p * 15).astype(int), 14)
    return sum(abs(p[bins == b].sum() - right[bins == b].sum()) for b in range(15)) / len(p)


def judge(truth, probs, votes):
    v = karat.votes(*(np.asarray(x) for x in votes), labels=range(10))
    p, t = probs[v.items], truth[v.items]
    share = lambda c: (np.array(c.label) == t).mean()
    best = karat.aggregate(v, probs=p)
    return [share(karat.majority_vote(v)), share(karat.dawid_skene(v)), share(karat.aggregate(v)), (p.argmax(1) == t).mean(), share(karat.crowdlab(v, probs=p)),
            share(best), ece(best, t)]


def main():
    if not os.path.isdir(DATA):
        print("skipped: beside_model (no folder", DATA + ")")
        sys.exit(77)
    c_truth, c_probs, counts = cifar()
    m_truth, m_probs = mnist()
    good, mixed, poor = np.linspace(0.8, 0.95, 50), np.concatenate([np.full(25, 0.15), np.linspace(0.6, 0.9, 25)]), np.linspace(0.2, 0.6, 50)
    rows = [(f"CIFAR-10H, {n} votes", lambda r, n=n: (c_truth, c_probs, drawn_votes(counts, n, 100, r))) for n in (1, 2, 3, 5)]
    rows += [(f"CIFAR-10H, {n} votes, model weak in 40 %", lambda r, n=n: (c_truth, weaken(c_probs, 0.4, r), drawn_votes(counts, n, 100, r))) for n in (1, 3)]
    for name, accuracies in (("good", good), ("half of them guess", mixed), ("poor", poor)):
        rows += [(f"CIFAR-10, 3 planted, {name}", lambda r, a=accuracies: (c_truth, c_probs, planted_votes(c_truth, a, 3, r))),
                 (f"CIFAR-10, 3 planted, {name}, model weak in 40 %", lambda r, a=accuracies: (c_truth, weaken(c_probs, 0.4, r), planted_votes(c_truth, a, 3, r))),
                 (f"CIFAR-10, 3 planted, {name}, model weak in 90 %", lambda r, a=accuracies: (c_truth, weaken(c_probs, 0.9, r), planted_votes(c_truth, a, 3, r)))]
    rows += [("MNIST, 3 planted, half of them guess", lambda r: (m_truth, m_probs, planted_votes(m_truth, mixed, 3, r))),
             ("MNIST, 3 planted, half of them guess, model weak in 40 %", lambda r: (m_truth, weaken(m_probs, 0.4, r), planted_votes(m_truth, mixed, 3, r)))]
    print("| votes and model | majority | Dawid-Skene | auto without the model | model | CROWDLAB | auto with the model | its ECE |")
    print("|---|---|---|---|---|---|---|---|")
    for name, make in rows:
        got = np.mean([judge(*make(np.random.default_rng(s))) for s in range(SEEDS)], axis=0)
        print(f"| {name} | " + " | ".join(f"{x:.4f}" for x in got[:6]) + f" | {got[6]:.3f} |", flush=True)


main()
