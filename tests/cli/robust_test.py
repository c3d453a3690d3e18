"""What may go wrong around a run and must cost nothing: lines without end, cut sources, a full disk, folders that cannot be
written, damaged databases and blobs, Ctrl-C. Every case: a clear message, the documented exit code, nothing lost. Needs the right
to mount for the disk cases (skipped by name without). BIG sets the bytes of the endless line."""
import os, random, shutil, signal, sqlite3, subprocess, tempfile, time

from kit import check, end, karat

KARAT, ROOT = os.environ["KARAT"], os.environ["KARAT_SOURCE_ROOT"]
QUICK = os.path.join(ROOT, "examples/quickstart/karat.yaml")
BIG = int(os.environ.get("BIG", 1 << 30))
skipped = []


def export_of(folder):
    return open(f"{folder}/export/labels.jsonl", "rb").read() + open(f"{folder}/export/left_out.csv", "rb").read()


def rows(folder, sql):
    db = sqlite3.connect(f"{folder}/karat.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def verified(folder):
    return karat("audit", "verify", folder).returncode == 0


def ingest(folder, parts, *args):
    """Feeds parts to karat ingest through a pipe; exit code, stderr and the peak memory in MB."""
    p = subprocess.Popen([KARAT, "ingest", folder, "-", *args], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for part in parts:
            p.stdin.write(part)
        p.stdin.close()
    except BrokenPipeError:
        pass
    err = p.stderr.read().decode()
    p.stderr.close()
    _, status, use = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    return p.returncode, err, use.ru_maxrss / 1024


def new(tmp):
    d = tempfile.mkdtemp(dir=tmp)
    karat("init", d, "--project", "t", "--labels", "a,b")
    return d


def endless_line(tmp):
    mb = b"x" * (1 << 20)
    # the tail of the line is itself a fine record: it must not come out as an item
    cases = {
        "jsonl": ([b'{"id":"1","text":"before"}\n{"id":"2","text":"'], [b'"}{"id":"4","text":"tail"}\n{"id":"3","text":"after"}\n'], ["--id", "id"]),
        "lines": ([b"before\n"], [b" tail\nafter\n"], []),
        "csv": ([b"id,text\n1,before\n2,"], [b",tail\n3,after\n"], ["--id", "id"]),
        "tsv": ([b"id\ttext\n1\tbefore\n2\t"], [b"\ttail\n3\tafter\n"], ["--id", "id"]),
    }
    for format, (head, tail, args) in cases.items():
        d, size = new(tmp), BIG if format == "jsonl" else min(BIG, 60 << 20)
        begin = time.monotonic()
        code, err, peak = ingest(d, [*head, *[mb] * (size >> 20), *tail], "--format", format, *args)
        line = {"jsonl": 2, "lines": 2}.get(format, 3)
        told = rows(d, "SELECT line, reason FROM reject")
        n = rows(d, "SELECT n_items FROM project")[0][0]
        check(f"a line of {size >> 20} MB is rejected by line, the rest is taken ({format}, {time.monotonic() - begin:.1f} s, {peak:.0f} MB)",
              code == 0 and n == 2 and len(told) == 1 and told[0][0] == line and "longer" in told[0][1] and peak < 250, (code, err, n, told, peak))
        check(f"it counts as one reject ({format})", rows(d, "SELECT value FROM counter WHERE name='rejects'") == [(1,)])
        check(f"the log of it verifies ({format})", verified(d))
    d = new(tmp)
    code, err, _ = ingest(d, [b'{"id":"1","text":"before"}\n{"id":"2","text":"', *[mb] * 60], "--format", "jsonl", "--id", "id")
    check("a long line without an end is rejected too", code == 0 and rows(d, "SELECT line FROM reject") == [(2,)], (code, err))


def cut_lines(tmp):
    d = new(tmp)
    code, err, _ = ingest(d, [b'{"id":"1","text":"one"}\n{"id":"2","te'], "--format", "jsonl", "--id", "id")
    check("a source cut in a record gives what it has", code == 0 and rows(d, "SELECT line FROM reject") == [(2,)], (code, err))
    code, err, _ = ingest(new(tmp), [])
    check("empty standard input is said", code == 3 and "empty" in err, (code, err))
    code, err, _ = ingest(new(tmp), [b"id,words\n1,x\n"], "--format", "csv", "--id", "id")
    check("a missing column is named with those there are", code == 3 and "words" in err and "text" in err, (code, err))


def full_disk(tmp, want, small):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", small], capture_output=True).returncode:
        skipped.append("full disk, read-only folder (mounting is not allowed here)")
        return
    stopped = 0
    for kb in (64, 250, 500, 900, 1400, 1900, 2500, 3200, 4000):
        with open(f"{small}/filler", "wb") as f:
            free = os.statvfs(small)
            f.write(bytes(free.f_bavail * free.f_bsize - (kb << 10)))
        r = karat("run", QUICK, "--dir", f"{small}/w")
        stopped += r.returncode == 4
        check(f"a disk full after {kb} KB is said", r.returncode == 0 or (r.returncode == 4 and ("full" in r.stderr or "space" in r.stderr)), (r.returncode, r.stderr))
        before = rows(f"{small}/w", "SELECT COUNT(*) FROM annotation")[0][0] if has_table(f"{small}/w", "annotation") else 0
        os.remove(f"{small}/filler")
        r = karat("run", QUICK, "--dir", f"{small}/w")
        check("with space again the same command goes on to the same end, nothing lost",
              r.returncode == 0 and export_of(f"{small}/w") == want and rows(f"{small}/w", "SELECT COUNT(*) FROM annotation")[0][0] >= before and verified(f"{small}/w"), r.stderr)
        shutil.rmtree(f"{small}/w")
    check("some of these disks were too small", stopped >= 4, stopped)
    read_only(small)
    subprocess.run(["umount", small], capture_output=True)


def has_table(folder, name):
    try:
        return bool(rows(folder, f"SELECT 1 FROM sqlite_master WHERE name='{name}'"))
    except sqlite3.Error:
        return False


def read_only(small):
    karat("run", QUICK, "--dir", f"{small}/w")
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    r = karat("run", QUICK, "--dir", f"{small}/w")
    check("a workspace on a read-only disk is said", r.returncode == 4 and "ead-only" in r.stderr, (r.returncode, r.stderr))
    r = karat("init", f"{small}/x", "--project", "p", "--labels", "a,b")
    check("a new one too", r.returncode == 4 and "ead-only" in r.stderr, (r.returncode, r.stderr))
    r = karat("status", f"{small}/w")
    check("reading verbs work there", r.returncode == 0 and "542" in r.stdout, (r.returncode, r.stdout, r.stderr))
    check("and the audit can be verified there", verified(f"{small}/w"))


def damaged(tmp, whole):
    d = f"{tmp}/damaged"
    size = os.path.getsize(f"{whole}/karat.db")
    for n in (0, 1, 50, 100, 4096, 5000, size // 2, size - 4096, size - 1):
        shutil.copytree(whole, d)
        os.truncate(f"{d}/karat.db", n)
        for verb in (["status", d], ["export", d], ["audit", "verify", d], ["run", QUICK, "--dir", d]):
            r = karat(*verb)
            fine = r.returncode == 4 and ("damaged" in r.stderr or "not an SQLite" in r.stderr or "empty" in r.stderr)
            if n >= size // 2:  # what was cut off may not be needed for this verb; then its answer must be right or a clear no
                fine = fine or r.returncode in (0, 1)
            check(f"a database cut to {n} bytes is said by {verb[0]}", fine, (r.returncode, r.stdout[-300:], r.stderr))
        shutil.rmtree(d)
    shutil.copytree(whole, d)
    os.remove(f"{d}/karat.db")
    r = karat("run", QUICK, "--dir", d)
    check("a database that is gone does not come up as a new one", r.returncode == 4 and "blobs" in r.stderr, (r.returncode, r.stderr))
    shutil.rmtree(d)
    shutil.copytree(whole, d)
    for folder, _, names in os.walk(f"{d}/blobs"):
        for name in names:
            os.truncate(f"{folder}/{name}", os.path.getsize(f"{folder}/{name}") // 2)
    r = karat("export", d)
    check("cut blobs are said", r.returncode == 4 and ("damaged" in r.stderr or "unpack" in r.stderr), (r.returncode, r.stderr))
    check("and found by the audit", karat("audit", "verify", d).returncode == 1)


def interrupted(tmp, want):
    rng, d, codes, slow = random.Random(4), f"{tmp}/interrupted", [], 0
    for i in range(60):
        p = subprocess.Popen([KARAT, "run", QUICK, "--dir", d], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(rng.uniform(0.01, 0.3))
        sent = time.monotonic()
        p.send_signal(signal.SIGINT if i % 2 else signal.SIGTERM)
        _, err = p.communicate(timeout=30)
        slow = max(slow, time.monotonic() - sent)
        codes.append(p.returncode)
        if p.returncode == 4 and not ("stopped" in err and "same command" in err):
            check("a stop says what to do", False, err)
        if p.returncode == 0:
            if export_of(d) != want:
                check("stopped and resumed, the export is the same", False)
            if codes.count(4) >= 10:
                break
            shutil.rmtree(d)
    check(f"Ctrl-C ends with 4, or the run was through ({codes.count(4)} stops)", set(codes) <= {0, 4, -2, -15} and codes.count(4) >= 5, codes)
    check(f"it ends soon (at most {slow:.2f} s)", slow < 5)
    r = karat("run", QUICK, "--dir", d)
    check("after all the stops the export is the same, byte for byte", r.returncode == 0 and export_of(d) == want and verified(d), r.stderr)


def main():
    tmp = tempfile.mkdtemp(prefix="karat-robust-")
    small = f"{tmp}/small"
    os.mkdir(small)
    try:
        karat("run", QUICK, "--dir", f"{tmp}/whole")
        want = export_of(f"{tmp}/whole")
        endless_line(tmp)
        cut_lines(tmp)
        full_disk(tmp, want, small)
        damaged(tmp, f"{tmp}/whole")
        interrupted(tmp, want)
    finally:
        subprocess.run(["umount", small], capture_output=True)
        shutil.rmtree(tmp, ignore_errors=True)
    for name in skipped:
        print("skipped: " + name)
    end()


main()
