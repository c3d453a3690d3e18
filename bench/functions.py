"""functions.py KARAT [N]: labeling functions over N (1,000,000) news-like texts of about 411 bytes, beside plain Python doing the same work
in the same run (on a part of the texts, scaled), which is what an applier of Python functions cannot be faster than."""
import json, os, re, shutil, statistics, subprocess, sys, time
from types import SimpleNamespace

karat, n = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
here = os.path.dirname(os.path.abspath(__file__))
work = os.path.join(os.path.dirname(karat), "bench")
os.makedirs(work, exist_ok=True)
data, ws = os.path.join(work, f"news-{n}.jsonl"), os.path.join(work, "functions-ws")
SNORKEL = {"PandasLFApplier": 108.6, "LFApplier": 53.0}  # seconds for 20 functions on 1,000,000 such texts, on another machine of two cores
PART, TIMES, CORES = 20_000, 3, 2

KEYWORDS = [("business", ["oil prices", "stocks", "earnings"]), ("business", ["profit", "merger", "shares"]), ("world", ["iraq", "election", "troops"]),
            ("world", ["minister", "police", "president"]), ("sports", ["coach", "season", "yankees"]), ("sports", ["olympic", "league", "players"]),
            ("scitech", ["software", "microsoft", "internet"]), ("scitech", ["google", "nasa", "web"]), ("business", ["bank", "quarter", "investors"]),
            ("scitech", ["security", "users", "computer"])]
REGEXES = [("business", r"\b\d+ percent\b"), ("business", r"\bq[1-4] (profit|loss|earnings)\b"), ("sports", r"\b(won|lost|beat) \w+ \d+ \d+\b"),
           ("business", r"\bu ?s (dollars?|treasury)\b"), ("world", r"\b(prime|foreign|defen[cs]e) minister\b"), ("world", r"\bkilled (at least )?\d+\b"),
           ("scitech", r"\b(windows|linux|mac os)( [a-z]+)? (update|patch|release)\b"), ("scitech", r"\bhttp www\b"), ("business", r"\b\d+ (million|billion)\b"),
           ("sports", r"\b(quarterback|touchdown|inning|homer)s?\b")]
LABELS = ["world", "sports", "business", "scitech"]
LUA = "function(item) local t = item.text:lower() if t:find('profit', 1, true) and t:find('%d+ percent') then return 'business' end end"


def rules():
    return ([{"name": f"k{i}", "label": c, "any": w} for i, (c, w) in enumerate(KEYWORDS)] +
            [{"name": f"r{i}", "label": c, "regex": r} for i, (c, r) in enumerate(REGEXES)])


def call(*args):
    p = subprocess.run([karat, *args], capture_output=True, text=True)
    assert p.returncode == 0, p.stderr
    return p.stdout


def define(functions):
    with open(f"{ws}.yaml", "w") as f:
        f.write(json.dumps({"project": "p", "labels": LABELS, "functions": functions}))
    call("init", ws, "--pipeline", f"{ws}.yaml")


def seconds(functions):
    """(wall, processor, votes) of the pass that makes the votes: compiling, reading and unpacking the texts, running, writing the column."""
    out = []
    for _ in range(TIMES):
        define([])
        call("functions", ws)
        define(functions)
        r = json.loads(call("functions", ws, "--json"))
        assert r["ran"] == len(functions)
        out.append((r["seconds"], r["cpu_seconds"]))
    return statistics.median(w for w, _ in out), statistics.median(c for _, c in out)


def python(functions):
    """Processor seconds for all n texts, from PART of them; on one thread, as Python has it, they are the wall's on an idle machine."""
    rows = [SimpleNamespace(text=json.loads(line)["text"]) for _, line in zip(range(PART), open(data))]
    t = time.process_time()
    _ = [[f(x) for f in functions] for x in rows]
    return (time.process_time() - t) * n / len(rows)


def python_rule(label, pattern, flags=0):
    search, number = re.compile(pattern, flags).search, LABELS.index(label)
    return lambda x: number if search(x.text) else -1


def python_lua():
    search = re.compile(r"\d+ percent").search

    def f(x):
        t = x.text.lower()
        return 2 if "profit" in t and search(t) else -1
    return f


if not os.path.exists(data):
    subprocess.run([sys.executable, f"{here}/news_texts.py", str(n), data], check=True)
shutil.rmtree(ws, ignore_errors=True)
define([])
call("ingest", ws, data, "--id", "id", "--gold", "gold")
mb = os.path.getsize(data) / 1e6

def row(job, wall, cpu, beside, other):
    """other: processor seconds; ours on two cores, when both are free, is half of ours."""
    print(f"| {job} | {cpu:.2f} s of processor time, {wall:.2f} s by the clock | {beside} {other:.4g} s | {other / cpu:.0f} times less processor time, "
          f"{other / max(cpu / CORES, 1e-9):.0f} times faster on {CORES} free cores |")


ours, cpu = seconds(rules())
theirs = python([python_rule(c, r"\b(" + "|".join(w) + r")\b", re.I) for c, w in KEYWORDS] + [python_rule(c, r) for c, r in REGEXES])
row(f"20 functions (10 keyword, 10 regex) over {n:,} news texts, {mb:.0f} MB", ours, cpu, "the same in Python, no applier around it,", theirs)
for name, s in SNORKEL.items():
    row(f"… against Snorkel's {name}, as measured elsewhere", ours, cpu, "", s * n / 1e6)
changed = rules()
changed[4]["any"].append("sox")
define(changed)
one = json.loads(call("functions", ws, "--json"))
print(f"| one of the 20 changed | {one['seconds']:.2f} s | all 20: {ours:.2f} s | {one['ran']} ran |")
tries = [json.loads(call("functions", ws, "--try", "{label: sports, any: [world cup, red sox]}", "--json")) for _ in range(TIMES)]
first, exact = (statistics.median(t[k]["seconds"] for t in tries) for k in ("sample", "exact"))
print(f"| an edited rule over {n:,} texts: first answer, with its interval | {first:.3f} s | aim: under 1 s | |")
print(f"| … exact | {exact:.2f} s | | |")
def lua_beside_appliers():
    """Karat reads its texts from the store each time; an applier has them in memory. So: with reading on both sides, and on neither."""
    ours, cpu = seconds([{"name": "lua", "lua": LUA}])
    _, reading = seconds([{"name": "nothing", "lua": "function(item) return nil end"}])
    row(f"a Lua function over {n:,} texts", ours, cpu, "the same in Python, no applier around it,", python([python_lua()]))
    p = subprocess.run(["/usr/bin/python3", f"{here}/appliers.py", data, str(5 * PART)], capture_output=True, text=True)
    if p.returncode:
        print(f"| … beside appliers | | skipped: /usr/bin/python3 has no pandas (Debian: python3-pandas) | {p.stderr.strip().splitlines()[-1:]} |")
        return
    beside = json.loads(p.stdout)
    print(f"| … of which reading the texts | {reading:.2f} s of processor time | | |")
    for name, label in (("pandas", "apply along the rows of a DataFrame, as Snorkel's PandasLFApplier does"), ("objects", "over a list of objects, as its LFApplier does")):
        read, apply = (beside[name][k] * n / 1e9 for k in ("read", "apply"))
        times = [x / (y / CORES) for x, y in ((apply, cpu), (read + apply, cpu), (apply, cpu - reading))]
        print(f"| … {label} | {cpu:.2f} s | {apply:.2f} s, and {read:.2f} s to read the file | on {CORES} free cores {times[0]:.1f} times faster, "
              f"{times[1]:.1f} with reading on both sides, {times[2]:.1f} on neither |")


lua_beside_appliers()
with open(os.path.join(work, "lfs.py"), "w") as f:
    f.write("import re\nfrom karat_lf import labeling_function, main\nsearch = re.compile(r'\\d+ percent').search\n@labeling_function()\ndef lf(x):\n"
            "    t = x.text.lower()\n    return 'business' if 'profit' in t and search(t) else None\nmain()\n")
os.environ["PYTHONPATH"] = os.path.join(here, "..", "python")
ours, _ = seconds([{"name": "lf", "command": [sys.executable, "lfs.py"]}])
print(f"| the same Python function as a child process, through karat_lf | {ours:.2f} s by the clock | | {n / ours:,.0f} texts a second |")
shutil.rmtree(ws)
