"""Accuracy of every aggregator on the public crowds with gold of ../shared/data: python3 bench/crowds.py build/karat. Gold is
only used to count; an item is right by the label given to it (ties: the smaller label), the first vote counts where an annotator
voted twice. Prints the table of bench/README.md; exits 77 when the folder is absent."""
import csv, json, os, subprocess, sys, tempfile

KARAT = os.path.abspath(sys.argv[1])
DATA = os.path.join(os.environ.get("KARAT_SHARED", os.path.join(os.path.dirname(__file__), "../../shared")), "data")
CROWDS = [("adult content", "crowd-adult-content/label.csv", "crowd-adult-content/truth.csv"),
          ("company sentiment", "crowd-company-sentiment/label.csv", "crowd-company-sentiment/truth.csv"),
          ("dog", "crowd-dog/label.csv", "crowd-dog/truth.csv"),
          ("fact evaluation", "crowd-fact-evaluation/label.csv", "crowd-fact-evaluation/truth.csv"),
          ("product match", "crowd-product-match/label.csv", "crowd-product-match/truth.csv"),
          ("rte", "crowd-rte/votes.csv", "crowd-rte/gold.csv"),
          ("weather CF", "crowd-weather-sentiment/CF-label.csv", "crowd-weather-sentiment/CF-truth.csv"),
          ("weather CF_amt", "crowd-weather-sentiment/CF_amt-label.csv", "crowd-weather-sentiment/CF_amt-truth.csv"),
          ("web relevance", "crowd-web-relevance/label.csv", "crowd-web-relevance/truth.csv")]
METHODS = [("majority_vote", []), ("wawa", []), ("mace", []), ("glad", []), ("dawid_skene", []), ("dawid_skene, correlated", ["--set", "correlated=yes"]),
           ("dawid_skene, pull 4", ["--set", "pull=4"]),
           ("fast_dawid_skene", []), ("one_coin_dawid_skene", []), ("spectral", []), ("auto", [])]


def consensus(votes, method, extra):
    out = subprocess.run([KARAT, "aggregate", votes, "--duplicates", "first", "--method", method.split(",")[0]] + extra,
                         capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(out.stderr)
    return {r["item"]: r for r in csv.DictReader(out.stdout.splitlines())}


def ece(rows, gold):
    """Expected calibration error over 15 equal bins."""
    bins = [[0, 0.0, 0] for _ in range(15)]
    for item, label in gold.items():
        if item in rows:
            p = float(rows[item]["posterior"])
            b = bins[min(int(p * 15), 14)]
            b[0] += 1
            b[1] += p
            b[2] += rows[item]["label"] == label
    n = sum(b[0] for b in bins)
    return sum(abs(b[1] - b[2]) for b in bins) / n


def main():
    if not os.path.isdir(DATA):
        print("skipped: crowds (no folder", DATA + ")")
        sys.exit(77)
    known = subprocess.run([KARAT, "list", "aggregators"], capture_output=True, text=True).stdout.split()
    methods = [m for m in METHODS if m[0].split(",")[0] in known]
    print("| crowd | gold | " + " | ".join(m for m, _ in methods) + " | ECE of auto | auto less majority |")
    print("|---|" + "---|" * (len(methods) + 3))
    sums, worst = [0.0] * len(methods), 1
    for name, votes, truth in CROWDS:
        with open(os.path.join(DATA, truth)) as f:
            gold = {r[0]: r[1] for r in list(csv.reader(f))[1:]}
        with open(os.path.join(DATA, votes)) as f:
            rows = list(csv.reader(f))
        rows[0] = ["item", "annotator", "label"]
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as f:
            csv.writer(f).writerows(rows)
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
