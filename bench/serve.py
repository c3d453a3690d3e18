"""serve.py KARAT [N …]: karat serve under 100 annotators at once, in projects of N (10,000 and 1,000,000) items. Prints rows of the table.
Two loads each: people who think a second between answers (faster than anybody), and no thinking at all (what the server can take)."""
import json, os, re, shutil, signal, subprocess, sys, tempfile, time, urllib.request
from concurrent.futures import ThreadPoolExecutor

karat = os.path.abspath(sys.argv[1])
sizes = [int(x) for x in sys.argv[2:]] or [10_000, 1_000_000]
here = os.path.dirname(os.path.abspath(__file__))
work = os.path.join(os.path.dirname(karat), "bench")
os.makedirs(work, exist_ok=True)
PEOPLE, SECONDS, LABELS = 100, 10, "a,b,c,d"
load = os.path.join(work, "load_annotators")
subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", load, f"{here}/load_annotators.c"], check=True)


def call(port, method, path, body=None, token=None):
    req = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1{path}", method=method, data=json.dumps(body or {}).encode() if method != "GET" else None,
                                 headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})})
    with urllib.request.urlopen(req, timeout=60) as r:
        text = r.read().decode()
    return json.loads(text) if text.startswith("{") else text


def workspace(n):
    w = tempfile.mkdtemp(dir=work)
    data = os.path.join(work, f"texts-{n}.jsonl")
    if not os.path.exists(data):
        subprocess.run([sys.executable, f"{here}/make_texts.py", str(n), data], check=True)
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([karat, "init", w, "--project", "p", "--labels", LABELS], **quiet)
    subprocess.run([karat, "ingest", w, data, "--id", "id", "--no-meta"], **quiet)
    subprocess.run([karat, "route", w, "--people", "--overlap", "3"], **quiet)
    subprocess.run([karat, "user", "add", w, "boss", "--role", "admin", "--password-file", "-"], input=b"bench-password\n", **quiet)
    return w


def quantiles(port, boss):
    return {(m[0], m[1]): float(m[2]) * 1000 for m in re.findall(r'karat_request_seconds\{operation="(\w+)",quantile="([\d.]+)"\} ([\d.]+)', call(port, "GET", "/metrics", token=boss))}


def measure(n, w, think):
    server = subprocess.Popen([karat, "serve", w, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline().rsplit(":", 1)[1])
        boss = call(port, "POST", "/session", {"name": "boss", "password": "bench-password"})["token"]

        def person(i):
            name = f"ann{think}-{i}"
            u = call(port, "POST", "/users", {"name": name, "password": "bench-password"}, boss)
            call(port, "PUT", f"/projects/1/people/{u['id']}", {"role": "annotator"}, boss)
            return call(port, "POST", "/session", {"name": name, "password": "bench-password"})["token"]

        with ThreadPoolExecutor(8) as pool:
            tokens = list(pool.map(person, range(PEOPLE)))
        open(f"{work}/tokens", "w").write("\n".join(tokens) + "\n")
        out = json.loads(subprocess.run([load, str(port), "1", str(SECONDS), str(think), f"{work}/tokens", LABELS], check=True, capture_output=True, text=True).stdout)
        q = quantiles(port, boss)
        rss = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{server.pid}/status").read())[1]) / 1024
        kind = f"{think} ms thinking" if think else "no thinking"
        print(f"| serve, {PEOPLE} annotators at once, {n:,} items, {kind} | answer + next p99 {q[('answer_submit', '0.99')]:.1f} ms on the server, {out['p99_us'] / 1000:.1f} ms at the client "
              f"(median {out['p50_us'] / 1000:.1f}) | aim: 5 ms | {out['per_second']:,} requests/s, {out['failures']} failed, {rss:.0f} MB |", flush=True)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


for n in sizes:
    w = workspace(n)
    try:
        measure(n, w, 1000)
        measure(n, w, 0)
        subprocess.run([karat, "audit", "verify", w], check=True, stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(w)
