"""appliers.py JSONL PART: what an applier of Python functions takes for one labeling function, a text, beside a pandas DataFrame (apply along
rows) and beside a list of objects. Our own few lines in the manner of Snorkel's two appliers, which cannot be installed here: per row one call
of a wrapper object that runs its (empty) list of preprocessors and then the function with its resources, inside a caller that would catch its
errors; the row's votes as a list; at the end the matrix of votes. No progress bar, so it is rather faster than the original. Run by
functions.py with the Python that has Debian's python3-pandas; prints processor nanoseconds a text as JSON: reading into each form, and applying."""
import json, re, sys, time
from types import SimpleNamespace

import numpy, pandas


class Function:
    def __init__(self, name, f, resources=None, pre=None):
        self.name, self.f, self.resources, self.pre = name, f, resources or {}, pre or []

    def __call__(self, x):
        for prepare in self.pre:
            x = prepare(x)
            if x is None:
                raise ValueError("a preprocessor gave nothing")
        return self.f(x, **self.resources)


class Caller:
    def __init__(self, tolerant):
        self.tolerant, self.faults = tolerant, {}

    def __call__(self, function, x):
        if not self.tolerant:
            return function(x)
        try:
            return function(x)
        except Exception:
            self.faults[function.name] = self.faults.get(function.name, 0) + 1
            return -1


def votes_of(x, functions, caller):
    out = []
    for i, function in enumerate(functions):
        y = caller(function, x)
        if y >= 0:
            out.append((i, y))
    return out


def matrix(rows, n_functions):
    m = numpy.zeros((len(rows), n_functions), dtype=int) - 1
    for i, row in enumerate(rows):
        for j, y in row:
            m[i, j] = y
    return m


def timed(f, n):
    t = time.process_time()
    ret = f()
    return ret, (time.process_time() - t) / n * 1e9


search = re.compile(r"\d+ percent").search


def business(x):
    t = x.text.lower()
    return 2 if "profit" in t and search(t) else -1


path, n = sys.argv[1], int(sys.argv[2])
with open(path, encoding="utf-8") as f:
    lines = [line for _, line in zip(range(n), f)]
n, functions, caller = len(lines), [Function("business", business)], Caller(False)
frame, read_frame = timed(lambda: pandas.DataFrame([json.loads(line) for line in lines]), n)
objects, read_objects = timed(lambda: [SimpleNamespace(**json.loads(line)) for line in lines], n)
a, by_frame = timed(lambda: matrix(list(frame.apply(lambda x: votes_of(x, functions, caller), axis=1)), 1), n)
b, by_objects = timed(lambda: matrix([votes_of(x, functions, caller) for x in objects], 1), n)
bare, plain = timed(lambda: [business(x) for x in objects], n)
assert (a == b).all() and [x[0] for x in b] == bare
print(json.dumps({"pandas": {"read": read_frame, "apply": by_frame}, "objects": {"read": read_objects, "apply": by_objects}, "bare": plain, "votes": int((a >= 0).sum())}))
