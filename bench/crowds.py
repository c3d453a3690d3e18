"""Accuracy of every aggregator on the public crowds with gold of ../shared/data: python3 bench/crowds.py build/karat. Gold is
only used to count; an item is right by the label given to it (ties: the smaller label), the first vote counts where an annotator
voted twice. Prints the table of bench/README.md; exits 77 when the folder is absent."""
import csv, json, os, subprocess, sys, tempfile

from public_crowds import CROWDS, need, rows

KARAT = os.path.abspath(sys.argv[1])
METHODS = [("majority_vote", []), ("wawa", []), ("mace", []), ("glad", []), ("dawid_skene", []), ("dawid_skene, correlated", ["--set", "correlated=yes"]),
           ("dawid_skene, pull 4", ["--set", "pull=4"]),
           ("fast_dawid_skene", []), ("one_coin_dawid_skene", []), ("spectral", []), ("auto", [])]


def consensus(votes, method, extra):
    out = subprocess.run([KARAT, "aggregate", votes, "--duplicates", "first", "--method", method.split(",")[0]] + extra,
                         capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(out.stderr)
    return {r["item"]: r for r in csv.DictReader(out.stdout.splitlines())}


def ece(got, gold):
    """Expected calibration error over 15 equal bins."""
    bins = [[0, 0.0, 0] for _ in range(15)]
    for item, label in gold.items():
        if item in got:
            p = float(got[item]["posterior"])
            b = bins[min(int(p * 15), 14)]
            b[0] += 1
            b[1] += p
            b[2] += got[item]["label"] == label
    n = sum(b[0] for b in bins)
    return sum(abs(b[1] - b[2]) for b in bins) / n


def main():
    need("crowds")
    known = subprocess.run([KARAT, "list", "aggregators"], capture_output=True, text=True).stdout.split()
    methods = [m for m in METHODS if m[0].split(",")[0] in known]
    print("| crowd | gold | " + " | ".join(m for m, _ in methods) + " | ECE of auto | auto less majority |")
    print("|---|" + "---|" * (len(methods) + 3))
    sums, worst = [0.0] * len(methods), 1
    for name, votes, truth in CROWDS:
        gold = {r[0]: r[1] for r in rows(truth)}
        table = [("item", "annotator", "label"), *rows(votes)]
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as f:
            csv.writer(f).writerows(table)
            f.flush()
            score = []
            for m, extra in methods:
                got = consensus(f.name, m, extra)
                judged = [i for i in gold if i in got]
                score.append(sum(got[i]["label"] == gold[i] for i in judged) / len(judged))
        worst = min(worst, score[-1] - score[0])
        sums = [a + b for a, b in zip(sums, score)]
        print(f"| {name} | {len(judged)} | " + " | ".join(f"{s:.4f}" for s in score) + f" | {ece(got, gold):.3f} | {100 * (score[-1] - score[0]):+.1f} |", flush=True)
    print("| mean | | " + " | ".join(f"{s / len(CROWDS):.4f}" for s in sums) + f" | | worst {100 * worst:+.1f} |")


main()
