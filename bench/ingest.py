"""ingest.py KARAT [N]: ingest of N (1,000,000) texts of 400 bytes beside sqlite3 .import of the same file, three times each."""
import os, resource, shutil, statistics, subprocess, sys, tempfile, time

karat, n = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
here = os.path.dirname(os.path.abspath(__file__))
work = os.path.join(os.path.dirname(karat), "bench")
os.makedirs(work, exist_ok=True)
data = os.path.join(work, f"texts-{n}.jsonl")
if not os.path.exists(data):
    subprocess.run([sys.executable, f"{here}/make_texts.py", str(n), data], check=True)


def timed(cmd, **kw):
    t = time.monotonic()
    p = subprocess.Popen(cmd, stdout=subprocess.DEVNULL, **kw)
    _, status, use = os.wait4(p.pid, 0)
    assert status == 0, cmd
    return time.monotonic() - t, use.ru_maxrss / 1024


def size_of(folder):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(folder) for f in fs)


ours, theirs, peak = [], [], 0
for _ in range(3):
    w = tempfile.mkdtemp(dir=work)
    subprocess.run([karat, "init", w, "--project", "p", "--labels", "a,b"], check=True, stdout=subprocess.DEVNULL)
    s, mb = timed([karat, "ingest", w, data, "--id", "id", "--no-meta"])
    ours.append(s)
    peak = max(peak, mb)
    stored = size_of(w)
    shutil.rmtree(w)
    db = os.path.join(work, "import.db")
    s, _ = timed(["sqlite3", db, "CREATE TABLE t(x TEXT)", ".mode ascii", ".separator \x01 \n", f".import {data} t"])
    theirs.append(s)
    os.remove(db)
a, b, total = statistics.median(ours), statistics.median(theirs), os.path.getsize(data)
print(f"| ingest, {n:,} texts of 400 bytes: durable, hashed, exact-deduplicated, audited | {a:.2f} s | sqlite3 .import {b:.2f} s | {b / a:.1f} times faster |")
print(f"| peak memory | {peak:.0f} MB | aim: under 300 MB | |")
print(f"| stored, of {total / 1e6:.0f} MB of input | {stored / 1e6:.0f} MB | aim: half | {stored / total:.2f} |")
