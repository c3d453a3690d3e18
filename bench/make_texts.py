"""make_texts.py N OUT            N JSONL records with texts of 400 bytes from a Zipf vocabulary, 1 in 50 a repeat of the one before.
make_texts.py N OUT --labeled  N records to classify: texts of 90 to 450 bytes on four topics of unequal size, each with a group and its
topic; 2 % exact repeats, 4 % repeats with one or two words changed. Deterministic; a longer set begins with the shorter one."""
import bisect, itertools, random, sys

TOPICS = ["billing", "login", "shipping", "bug"]
SHARES = [0.35, 0.28, 0.22, 0.15]
BLOCK, KEPT = 10000, 2000


def vocabulary(rng, n):
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    return ["".join(rng.choices(letters, weights=range(26, 0, -1), k=rng.randint(2, 10))) for _ in range(n)]


def plain(n, f):
    rng = random.Random(5)
    words = vocabulary(rng, 30000)
    cum = list(itertools.accumulate(1 / (i + 3) for i in range(len(words))))
    pool = [words[bisect.bisect(cum, rng.random() * cum[-1])] for _ in range(1 << 20)]
    last = "first"
    for i in range(n):
        if i % 50 == 49:
            text = last
        else:
            at = rng.randrange(len(pool) - 100)
            rot = rng.randrange(40)
            part = pool[at + rot : at + 100] + pool[at : at + rot]
            last = text = " ".join(part)[:400].ljust(400, "x")
        f.write('{"id":"%08d","text":"%s"}\n' % (i, text))


def topic_words():
    rng = random.Random(6)
    return [vocabulary(rng, 120) for _ in TOPICS]


def rules_of():
    """Eight rules as a person would write them, two for each topic, from some of its telling words: (name, topic, words)."""
    words = topic_words()
    return [(f"{t}_{j}", t, words[k][at : at + n]) for k, t in enumerate(TOPICS) for j, at, n in ((1, 2, 4), (2, 8, 8))]


def zipf(n, shift):
    return list(itertools.accumulate(1 / (i + shift) for i in range(n)))


def labeled(n, f):
    words, own = vocabulary(random.Random(5), 30000), topic_words()
    common, telling, rng = zipf(len(words), 3), zipf(120, 2), random.Random(7)
    kept = []  # texts that may come again, as (words, topic)
    for first in range(0, n, BLOCK):  # always whole blocks are drawn, so that a longer set begins with the shorter one
        base = iter(rng.choices(words, cum_weights=common, k=BLOCK * 64))
        out = []
        for i in range(first, first + BLOCK):
            k, kind = rng.choices(range(len(TOPICS)), SHARES)[0], rng.random()
            if kind < 0.06 and kept:
                text, k = rng.choice(kept)
                if kind < 0.04:  # one or two words changed
                    text = list(text)
                    for _ in range(1 + (kind < 0.02)):
                        text[rng.randrange(len(text))] = rng.choice(words)
            else:
                many, other = min(2 + int(rng.expovariate(0.2)), 12), min(int(rng.expovariate(1.2)), 4)
                twin = rng.choice(own)  # mostly another topic
                text = list(itertools.islice(base, rng.randint(12, 60)))
                for w in rng.choices(own[k], cum_weights=telling, k=many) + rng.choices(twin, cum_weights=telling, k=other):
                    text.insert(rng.randrange(len(text)), w)
                if kind > 0.9 and len(text) > 35:
                    kept.append((text, k))
                    del kept[: -KEPT]
            out.append('{"id":"%08d","text":"%s","customer":"c%d","topic":"%s"}\n' % (i, " ".join(text), i // 3, TOPICS[k]))
        f.write("".join(out[: n - first]))


if __name__ == "__main__":
    n, out = int(sys.argv[1]), sys.argv[2]
    with open(out, "w") as f:
        (labeled if sys.argv[3:] == ["--labeled"] else plain)(n, f)
