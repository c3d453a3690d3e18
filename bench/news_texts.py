"""news_texts.py N OUT [SHARED]: N JSONL records of news-like texts, about 411 bytes each, recombined from the sentences of the shared AG
News set (id, text, and for one in 500 gold: the topic of its first piece). Deterministic; a longer file begins with the shorter one."""
import csv, os, random, sys

n, out = int(sys.argv[1]), sys.argv[2]
shared = sys.argv[3] if len(sys.argv) > 3 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "shared")
rows = list(csv.reader(open(os.path.join(shared, "data", "text-ag-news", "pool-4998.csv"), encoding="utf-8")))
topic = ["world", "sports", "business", "scitech"]
pieces = [(topic[int(r[0]) - 1], r[-1].replace("\\", " ").replace('"', "'")) for r in rows if r[0].isdigit()]
rng = random.Random(11)
with open(out, "w", encoding="utf-8") as f:
    for i in range(n):
        name, text = pieces[rng.randrange(len(pieces))]
        want = 411 + rng.randrange(-150, 151)
        while len(text) < want:
            other = pieces[rng.randrange(len(pieces))][1]
            at = other.find(" ", rng.randrange(max(1, len(other) // 2)))
            text += " " + other[at + 1:]
        text = text[:want].rsplit(" ", 1)[0] + f" {i:x}"
        f.write('{"id":"%d","text":"%s"%s}\n' % (i, text, f',"gold":"{name}"' if i % 500 == 0 else ""))
