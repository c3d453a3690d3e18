"""What the tests of the built program share: checks that are counted, the program, and one of it that serves."""
import http.client, json, os, signal, subprocess, sys

KARAT = os.environ["KARAT"]
PASSWORD = "a long enough one"
_failed = 0


def check(name, ok, detail=""):
    global _failed
    _failed += not ok
    print(("ok   " if ok else "FAIL ") + name + ("" if ok else f"\n     {str(detail)[:1500]}"), flush=True)


def end():
    """Leaves with what the checks came to."""
    sys.exit(_failed > 0)


def karat(*args, **kw):
    return subprocess.run([KARAT, *args], **{"capture_output": True, "text": True, "timeout": 300, **kw})


class Served:
    """karat serve, or another verb that listens, and the API behind it."""

    def __init__(self, *args):
        self.p = subprocess.Popen([KARAT, *args, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.p.stdout.readline()
        if "listening" not in line:
            raise SystemExit(f"no server: {line}{self.p.stderr.read()}")
        self.port = int(line.rsplit(":", 1)[1])

    def call(self, method, path, body=None, token=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None,
                  {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})})
        r = c.getresponse()
        text, status = r.read(), r.status
        c.close()
        return status, json.loads(text) if text else None

    def sign_in(self, name):
        return self.call("POST", "/session", {"name": name, "password": PASSWORD})[1]["token"]

    def stop(self, sig=signal.SIGINT):
        self.p.send_signal(sig)
        self.p.wait(60)
        err = self.p.stderr.read()
        self.p.stdout.close(), self.p.stderr.close()
        return self.p.returncode, err
