"""measure.py BUILD: the Python package beside the libraries people use for the same, in one run. Libraries that are not installed are
left out by name (Debian: apt install python3-sklearn); medians of 5."""
import os, statistics, sys, time

build = os.path.abspath(sys.argv[1])
try:
    import numpy as np
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/lib/python3/dist-packages/numpy"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print("not measured: the Python package (no numpy)")
    sys.exit(0)
os.environ.setdefault("KARAT_LIBRARY", os.path.join(build, "libkarat.so"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import karat


def median_ms(f):
    f()
    t = []
    for _ in range(5):
        start = time.perf_counter()
        f()
        t.append(1000 * (time.perf_counter() - start))
    return statistics.median(t)


rng = np.random.default_rng(1)
a = rng.integers(0, 4, 1_000_000)
b = np.where(rng.random(1_000_000) < 0.7, a, rng.integers(0, 4, 1_000_000))
p = rng.dirichlet(np.ones(10), 1_000_000)
y = rng.integers(0, 10, 1_000_000)
try:
    from sklearn import metrics
except ImportError:
    print("not measured beside scikit-learn (not installed)")
    sys.exit(0)
rows = [
    ("karat.cohen_kappa, 1,000,000 pairs of int64", lambda: karat.cohen_kappa(a, b), lambda: metrics.cohen_kappa_score(a, b)),
    ("karat.score_classes, 1,000,000 × 10 (all measures)", lambda: karat.score_classes(y, probs=p),
     lambda: (metrics.accuracy_score(y, p.argmax(1)), metrics.precision_recall_fscore_support(y, p.argmax(1), zero_division=0),
              metrics.matthews_corrcoef(y, p.argmax(1)), metrics.log_loss(y, p))),
]
for name, ours, theirs in rows:
    x, z = median_ms(ours), median_ms(theirs)
    print(f"| {name} | {x:.1f} ms | scikit-learn {z:.0f} ms | {z / x:.0f} times faster |")
