"""What bench/models.py and bench/active.py share: the data sets as files of "label TAB text" lines, and the program bench/learn.c."""
import csv, os, random, subprocess, sys

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(here)
shared = os.environ.get("KARAT_SHARED", os.path.join(root, "../shared")) + "/data"


def build(karat):
    """Compiles bench/learn.c against libkarat.a beside the given karat; returns its path and the folder for data."""
    tree = os.path.dirname(os.path.abspath(karat))
    work = os.path.join(tree, "bench")
    os.makedirs(work, exist_ok=True)
    exe = os.path.join(work, "learn")
    subprocess.run(["cc", "-O3", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-I", f"{root}/src", "-o", exe, f"{here}/learn.c",
                    f"{tree}/libkarat.a", "-lm", "-lpthread", "-lxxhash"], check=True)
    return exe, work


def rows(path, text, label, head):
    with open(f"{shared}/{path}", encoding="utf-8", newline="") as f:
        return [(r[label], r[text]) for r in list(csv.reader(f))[1 if head else 0:]]


def split(rows, share, seed=1):
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    cut = int(len(rows) * share)
    return rows[:cut], rows[cut:]


SETS = {  # pool (train) and test
    "ag-news": lambda: (rows("text-ag-news/pool-4998.csv", 1, 0, False), rows("text-ag-news/test-normalized.csv", 1, 0, False)),
    "banking77": lambda: (rows("text-banking77/train.csv", 0, 1, True), rows("text-banking77/test.csv", 0, 1, True)),
    "youtube-spam": lambda: split(rows("text-youtube-spam/youtube_spam.csv", 3, 4, True), 0.7),
    "sms-spam": lambda: split(rows("weak-sms-spam/texts.csv", 3, 2, True), 0.7),
}


def packages():
    """Package descriptions of the lists the demo fetched (or the machine has), distinct texts, the 50 largest sections; 80 % to train."""
    sys.path.insert(0, f"{root}/examples/debian")
    import collections, make_items as m
    for folder in (f"{root}/build/demo/apt/lists", "/var/lib/apt/lists"):
        long_of = {s["Description-md5"]: s["Description-en"] for p in m.lists(folder, "*_main_i18n_Translation-en*") for s in m.stanzas(p)
                   if "Description-en" in s and "Description-md5" in s}
        if long_of:
            break
    else:
        return None
    items = {}
    for p in m.lists(folder, "*_main_binary-*_Packages*"):
        for s in m.stanzas(p):
            text = " ".join(m.flatten(long_of.get(s.get("Description-md5"), s.get("Description", ""))).split())
            if text and "Package" in s:
                items[s["Package"]] = (s.get("Section", "").split("/")[-1], text)
    distinct = {text: section for _, (section, text) in sorted(items.items(), reverse=True)}
    count = collections.Counter(distinct.values())
    keep = {s for s, _ in count.most_common(50)}
    return split(sorted((s, t) for t, s in distinct.items() if s in keep), 0.8)


def write(work, name, pair):
    """Writes the two files of a set and returns their paths."""
    paths = []
    for part, lines in zip(("pool", "test"), pair):
        paths.append(f"{work}/{name}-{part}.tsv")
        with open(paths[-1], "w", encoding="utf-8") as f:
            f.writelines(f"{label}\t{' '.join(text.split())}\n" for label, text in lines)
    return paths


def files(work, name):
    """As write; None when the shared data are not there."""
    try:
        return write(work, name, SETS[name]())
    except FileNotFoundError:
        print(f"skipped: {name} is not in {shared}", file=sys.stderr)
        return None
