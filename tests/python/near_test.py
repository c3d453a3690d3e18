"""Near-duplicates from Python. Signatures checked against their definition computed here with hashlib, clusters against planted copies;
what must be refused. (tests/python/reference_test.py holds them to datasketch's answers.)"""
import _numpy  # noqa: F401
import doctest, hashlib, random

import numpy as np
import karat
import karat.near

a, b = (x.tolist() for x in karat.minhash_permutations(16, 7))
words = "alpha beta gamma delta".split()
want = [min(((x * h + y) % 2**64 % (2**61 - 1)) & 0xffffffff for h in (int.from_bytes(hashlib.sha1(w.encode()).digest()[:4], "little") for w in words)) for x, y in zip(a, b)]
assert karat.minhash("Alpha beta, GAMMA: delta", "w1", 16, 7).tolist() == want
long = "x" * 300  # more than four blocks of SHA-1
h = int.from_bytes(hashlib.sha1(long.encode()).digest()[:4], "little")
assert karat.minhash(long, "w1", 16, 7).tolist() == [((x * h + y) % 2**64 % (2**61 - 1)) & 0xffffffff for x, y in zip(a, b)]
assert karat.minhash(["a b", "c d", ""]).shape == (3, 128) and karat.minhash([]).shape == (0, 128)

rng = random.Random(5)
vocabulary = [f"word{i}" for i in range(3000)]
texts = []
for i in range(3000):
    t = [rng.choice(vocabulary) for _ in range(50)]
    texts += [" ".join(t), " ".join(t[:49] + ["another"])]
got = karat.near_duplicates(texts)
assert got.tolist() == [i - i % 2 for i in range(len(texts))] and karat.near_duplicates([]).tolist() == []
for x, y in ((0, 1), (0, 2)):
    j = karat.jaccard(texts[x], texts[y])
    assert abs(karat.minhash_estimate(*karat.minhash([texts[x], texts[y]])) - j) <= 4.5 * (j * (1 - j) / 128) ** 0.5 + 1 / 128


def refused(code, f, *args, **kw):
    try:
        f(*args, **kw)
    except karat.KaratError as e:
        assert e.code == code, e
        return
    raise AssertionError((f, args, kw))


refused("parse", karat.minhash, b"\xff")
refused("parse", karat.minhash, "\ud800")
refused("parse", karat.near_duplicates, ["fine", b"ab\xc3"])
refused("usage", karat.minhash, "a", "x3")
refused("range", karat.near_duplicates, ["a"], 1.5)
refused("range", karat.near_duplicates, ["a"], -1)
refused("range", karat.minhash, "a", num_perm=0)
refused("range", karat.minhash, [1])
refused("range", karat.minhash_bands, 1.0)
refused("range", karat.minhash_estimate, np.zeros(3), np.zeros(4))
assert karat.minhash("a\0b", "w1").tolist() == karat.minhash("b a", "w1").tolist()  # a zero byte separates
assert doctest.testmod(karat.near).failed == 0
print("near-duplicates: as they should be")
