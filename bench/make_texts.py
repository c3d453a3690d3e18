"""make_texts.py N OUT: N JSONL records with texts of 400 bytes from a Zipf vocabulary, about a third of them exact repeats. Deterministic."""
import bisect, itertools, random, sys

n, out = int(sys.argv[1]), sys.argv[2]
rng = random.Random(5)
letters = "etaoinshrdlucmfwypvbgkjqxz"
words = ["".join(rng.choices(letters, weights=range(26, 0, -1), k=rng.randint(2, 10))) for _ in range(30000)]
cum = list(itertools.accumulate(1 / (i + 3) for i in range(len(words))))
pool = [words[bisect.bisect(cum, rng.random() * cum[-1])] for _ in range(1 << 20)]
last = "first"
with open(out, "w") as f:
    for i in range(n):
        if i % 50 == 49:
            text = last
        else:
            at = rng.randrange(len(pool) - 100)
            rot = rng.randrange(40)
            part = pool[at + rot : at + 100] + pool[at : at + rot]
            last = text = " ".join(part)[:400].ljust(400, "x")
        f.write('{"id":"%08d","text":"%s"}\n' % (i, text))
