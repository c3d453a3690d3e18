"""models.py KARAT: the built-in text classifier beside scikit-learn (TF-IDF of words and pairs, LinearSVC) on the same files in one run, and
choosing 1,000 of 10,000,000 rows. Prints rows of the table. Without python3-sklearn (Debian) the second column is left empty."""
import json, subprocess, sys

import learn_data

CORES = 2  # scikit-learn's training uses one of them

SKLEARN = r"""
import sys, time
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC
def read(p):
    rows = [l.rstrip("\n").split("\t", 1) for l in open(p, encoding="utf-8")]
    return [t for _, t in rows], [l for l, _ in rows]
(x, y), (u, v) = read(sys.argv[1]), read(sys.argv[2])
t, c = time.monotonic(), time.process_time()
f = TfidfVectorizer(ngram_range=(1, 2)); m = LinearSVC().fit(f.fit_transform(x), y)
t1, c1 = time.monotonic(), time.process_time()
right = sum(a == b for a, b in zip(m.predict(f.transform(u)), v)) / len(v)
print(t1 - t, right, len(u) / (time.monotonic() - t1), c1 - c, len(u) / (time.process_time() - c1))
"""


NUMPY = r"""
import numpy, sys, time
p = numpy.random.default_rng(1).dirichlet(numpy.ones(10), 1_000_000)
t = time.monotonic()
if sys.argv[1] == "entropy":
    score = -numpy.sum(p * numpy.log(p), axis=1)
else:
    score = -numpy.abs(numpy.diff(numpy.partition(-p, 1, axis=1)[:, :2], axis=1))[:, 0]
numpy.argpartition(-score, 1000)
print((time.monotonic() - t) * 1e3)
"""  # as modAL computes them: scores of all rows, then the 1,000 largest; nanoseconds an item


def beside(script, *args):
    """Numbers a script prints, run by Debian's Python; None where its packages are not installed."""
    done = subprocess.run(["/usr/bin/python3", "-c", script, *args], capture_output=True, text=True)
    return [float(x) for x in done.stdout.split()] if done.returncode == 0 else None


def row(exe, what, pair, bits):
    k = json.loads(subprocess.run([exe, "fit", *pair, str(bits)], capture_output=True, check=True).stdout)
    seconds = k["features_s"] + k["train_s"]
    s = beside(SKLEARN, *pair)
    cpu = k["processor_s"]
    other = f"scikit-learn {s[0]:.2f} s ({s[3]:.2f} s), {s[1]:.4f}" if s else ""
    ratio = f"{s[0] / seconds:.1f} times faster, {s[3] / cpu * CORES:.1f} with both cores free" if s else ""
    print(f"| train {what} (2^{bits} features): {k['rows']:,} texts, {k['labels']} labels, accuracy on the test | {seconds:.3f} s ({cpu:.3f} s of processors), {k['accuracy']:.4f} | {other} | {ratio} |")
    rate, alone = k["predict_per_s"], k["predict_alone_per_s"]
    other = f"scikit-learn {s[2]:,.0f}, {s[4]:,.0f} in a second of its processor" if s else ""
    ratio = f"{rate / s[2]:.0f} times, {alone / s[4]:.0f} with both cores free" if s else ""
    print(f"| predict {what}, bytes to label | {rate:,.0f} texts/s by the clock, {alone:,.0f} in a second of both processors | {other} | {ratio} |")
    print(f"| learn one more label ({what}) | {k['update_us']:.0f} µs | aim: 1 ms | |")


def main(karat):
    exe, work = learn_data.build(karat)
    pair = learn_data.files(work, "ag-news")
    if pair:
        row(exe, "AG News", pair, 18)
    pair = learn_data.packages()
    if pair:
        row(exe, "package descriptions", learn_data.write(work, "packages", pair), 20)
    else:
        print("skipped: package descriptions (run make demo once)", file=sys.stderr)
    for strategy in ("entropy", "margin"):
        k = json.loads(subprocess.run([exe, "select", "10000000", "10", strategy], capture_output=True, check=True).stdout)
        each, n = k["seconds"] / k["items"] * 1e9, beside(NUMPY, strategy)
        other, ratio = (f"the same in numpy, 1,000,000: {n[0]:.0f} ns an item", f"{n[0] / each:.0f} times") if n else ("", "")
        print(f"| {strategy}: 1,000 of 10,000,000 x 10 | {k['seconds']:.3f} s, {each:.1f} ns an item | {other} | {ratio} |")


main(sys.argv[1])
