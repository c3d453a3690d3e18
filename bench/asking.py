"""How many votes sequential stopping saves: PYTHONPATH=python /usr/bin/python3 bench/asking.py. Replays the public crowds of
../shared/data that have gold: a vote can only be had from an annotator who gave one on the item, and is the one they gave. 'fixed' takes the
same number of votes on every item, drawn at random; 'asked' goes over the items in rounds, and takes the vote of whom
LiveConsensus.next_source names (target 0.95 and 0.99, votes free) until it says sure or not_worth. Labels of both are the settled
consensus of the same model. Mean of 5 seeds. Prints the table of bench/README.md; exits 77 when the folder is absent."""
import os, random, sys

import numpy as np
import karat

from public_crowds import CROWDS, need, rows

ASKED = {"company sentiment", "dog", "rte", "weather CF_amt", "web relevance", "product match"}  # every item has votes
SEEDS = int(os.environ.get("SEEDS", "5"))


def accuracy(live, gold):
    judged = [i for i in gold if i in live._place[0]]
    return sum(live.label(i) == gold[i] for i in judged) / len(judged)


def fixed(votes, labels, gold, n, rng):
    with karat.LiveConsensus(labels) as live:
        live.extend([(i, s, l) for i, given in votes.items() for s, l in rng.sample(list(given.items()), min(n, len(given)))])
        return sum(min(n, len(g)) for g in votes.values()) / len(votes), accuracy(live, gold)


def asked(votes, labels, gold, target, rng):
    with karat.LiveConsensus(labels) as live:
        left = {i: dict(given) for i, given in votes.items()}
        todo, taken = list(votes), 0
        while todo:
            rng.shuffle(todo)
            again = []
            for i in todo:
                got = live.next_source(i, left[i], target=target) if left[i] else None
                if got is None or got.verdict != "ask":
                    continue
                live.add(i, got.source, left[i].pop(got.source))
                taken += 1
                again.append(i)
            todo = again
            live.settle(50)
        live.settle()
        return taken / len(votes), accuracy(live, gold)


def main():
    need("asking")
    print("| crowd | votes an item there are | all: accuracy | asked, target 0.95: votes an item, accuracy | fixed: votes for the same accuracy | saved | "
          "asked, target 0.99 | fixed for the same | saved |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, path, truth in [x for x in CROWDS if x[0] in ASKED]:
        gold = {r[0]: r[1] for r in rows(truth)}
        votes = {}
        for i, s, l in rows(path):
            votes.setdefault(i, {}).setdefault(s, l)
        votes = {i: g for i, g in votes.items() if i in gold}
        labels = sorted({l for g in votes.values() for l in g.values()})
        most = max(map(len, votes.values()))
        mean = lambda f, *a: np.mean([f(votes, labels, gold, *a, random.Random(s)) for s in range(SEEDS)], axis=0)
        steps = [n for n in range(1, most + 1)]
        curve = [mean(fixed, n) for n in steps]
        cells = []
        for target in (0.95, 0.99):
            n, acc = mean(asked, target)
            same = next((c[0] for c in curve if c[1] >= acc - 1e-9), None)
            cells += [f"{n:.1f}, {acc:.4f}", f"{same:.1f}" if same else f"never (best {max(c[1] for c in curve):.4f})", f"{100 * (1 - n / (same or curve[-1][0])):.0f} %"]
        print(f"| {name} | {curve[-1][0]:.1f} | {curve[-1][1]:.4f} | " + " | ".join(cells) + " |", flush=True)


main()
