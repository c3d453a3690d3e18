"""karat serve through HTTP, as programs use it: every operation of docs/openapi.json by every role, answers held against their
schemas, the work from a reserved item to a proof, bad and hostile requests, kill -9 under load, lease expiry, one server only."""
import http.client, json, os, re, shutil, signal, socket, subprocess, tempfile, threading, time

from kit import PASSWORD, Served, check, end, karat

KARAT, ROOT = os.environ["KARAT"], os.environ["KARAT_SOURCE_ROOT"]
SPEC = json.load(open(f"{ROOT}/docs/openapi.json"))
seen = {}


def schema_errors(schema, value, where=""):
    if "$ref" in schema:
        schema = SPEC["components"]["schemas"][schema["$ref"].split("/")[-1]]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    fits = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict, "null": type(None)}
    if not any(isinstance(value, fits[k]) and not (k in ("integer", "number") and isinstance(value, bool)) for k in kinds):
        return [f"{where}: {value!r} is no {kinds}"]
    if value is None:
        return []
    out = [f"{where}: {value!r} is none of {schema['enum']}"] if "enum" in schema and value not in schema["enum"] else []
    if isinstance(value, list):
        return out + [e for i, v in enumerate(value) for e in schema_errors(schema["items"], v, f"{where}/{i}")]
    if isinstance(value, dict) and "properties" in schema:
        out += [f"{where}/{k} is not in the schema" for k in value if k not in schema["properties"] and schema.get("additionalProperties") is False]
        want = schema.get("required", schema["properties"]) if "additionalProperties" not in schema else schema["properties"]
        out += [f"{where}/{k} is missing" for k in want if k not in value]
        out += [e for k, v in value.items() if k in schema["properties"] for e in schema_errors(schema["properties"][k], v, f"{where}/{k}")]
    return out


def operations():
    for path, methods in SPEC["paths"].items():
        for method, op in methods.items():
            yield op["operationId"], method.upper(), path, op


def operation_of(method, path):
    best = None
    for op, m, pattern, spec in operations():
        if m == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path) and (best is None or pattern.count("{") < best[2].count("{")):
            best = (op, m, pattern, spec)
    return best


class Server(Served):
    def __init__(self, folder, *args):
        super().__init__("serve", folder, *args)
        self.folder = folder

    def call(self, method, path, body=None, token=None, raw=None, headers=()):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        h = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}), **dict(headers)}
        data = raw if raw is not None else None if method in ("GET", "HEAD") else json.dumps(body or {}).encode()
        c.request(method, f"/api/v1{path}", data, {k: v for k, v in h.items() if v is not None})
        r = c.getresponse()
        text, status, kind = r.read(), r.status, r.getheader("Content-Type") or ""
        c.close()
        value = json.loads(text) if "json" in kind and "ndjson" not in kind and text else text
        self.hold(method, path.split("?")[0], status, value, kind)
        return status, value

    def hold(self, method, path, status, value, kind):
        """Every answer fits its schema; every operation is counted."""
        op = operation_of(method, path)
        if op:
            seen.setdefault(op[0], set()).add(status)
        if status >= 400:
            bad = [] if "problem+json" in kind else [f"no problem document but {kind}"]
            bad += schema_errors(SPEC["components"]["schemas"]["problem"], value) if not bad and method != "HEAD" else []
        elif op and "application/json" in op[3]["responses"].get(str(status), {}).get("content", {}):
            bad = schema_errors(op[3]["responses"][str(status)]["content"]["application/json"]["schema"], value)
        else:
            bad = [] if not op or str(status) in op[3]["responses"] else [f"status {status} is not in the document"]
        if bad:
            check(f"{method} {path} answers as described", False, bad[:5])


def workspace(tmp, name, lease="10m", n=60):
    d = f"{tmp}/{name}"
    items = f"{tmp}/{name}.jsonl"
    with open(items, "w") as f:
        for i in range(n):
            f.write(json.dumps({"id": f"i{i}", "text": f"text number {i} says {'good' if i % 2 else 'bad'} things", "group": f"g{i // 3}"}) + "\n")
    for project in ("first", "second"):
        open(f"{tmp}/p.yaml", "w").write(f"project: {project}\nguidelines: be fair\nlabels: [good, bad, 'so so']\nreview: {{overlap: 2, lease: {lease}, gold_share: 0}}\n")
        r = karat("init", d, "--pipeline", f"{tmp}/p.yaml")
        assert r.returncode == 0, r.stderr
        karat("ingest", d, items, "--project", project, "--id", "id", "--group", "group")
        r = karat("route", d, "--people", "--project", project)
        assert f"{n} items" in r.stdout, r
    for who, role, project in (("root", "admin", "first"), ("mia", "manager", "first"), ("xena", "expert", "first"), ("ann", "annotator", "first"),
                               ("ben", "annotator", "first"), ("vic", "viewer", "first"), ("out", "annotator", "second")):
        r = karat("user", "add", d, who, "--role", role, "--project", project, "--password-file", "-", input=PASSWORD + "\n")
        assert r.returncode == 0, r.stderr
    return d


LEVEL = {"public": -2, "user": -1, "viewer": 1, "annotator": 2, "expert": 3, "manager": 4, "admin": 5}
WHO = {"nobody": None, "out": 0, "vic": 1, "ann": 2, "xena": 3, "mia": 4, "root": 5}
BODIES = {"session_open": {"name": "nobody here", "password": "x"}, "user_create": {"name": "x"}, "password_set": {"old": "x"}, "task_next": {"desk": "none"},
          "answer_submit": {"desk": "none"}, "answer_undo": {"desk": "none"}, "role_set": {"role": "king"}, "export_create": {"format": "paper"}}


def matrix(s):
    """Who may do what follows from the role column alone. Bodies are wrong on purpose: nothing changes, and a refusal for the
    role must come before one for the body."""
    token = {w: s.sign_in(w) if w != "nobody" else None for w in WHO}
    wrong = []
    for op, method, path, spec in operations():
        if op in ("session_close", "progress_watch"):
            continue
        need = LEVEL[spec["x-role"]]
        real = path.replace("{project}", "first").replace("{user}", "4").replace("{item}", "1").replace("{file}", "labels.jsonl")
        for who, level in WHO.items():
            status, _ = s.call(method, real, BODIES.get(op), token[who])
            if need == -2:
                ok = status not in (403,)
            elif who == "nobody":
                ok = status == 401
            elif need == -1:
                ok = status not in (401, 403) or op == "password_set"
            elif who == "out":
                ok = status == (403 if "{project}" not in path else 404)
            elif "{project}" not in path:
                ok = (status == 403) == (who != "root")
            else:
                ok = (status == 403) == (level < need) and status != 401
            if not ok:
                wrong.append((op, who, status))
    check("every role may do what the routes say, and no more", not wrong, wrong)
    status, _ = s.call("GET", "/projects/third", token=token["root"])
    check("a project that is not there is not found", status == 404, status)
    names = [p["name"] for p in s.call("GET", "/projects", token=token["out"])[1]["projects"]]
    check("a project without a role is not listed", names == ["second"], names)


def answer(s, token, task, label, n, **more):
    return s.call("POST", "/projects/first/annotations", {"desk": "annotator", "token": task["token"], "item": task["item"], "label": label,
                                                          "client_id": f"{token[:8]}-{n}", "want": 1, **more}, token)


def rules(s, mia):
    """One rule over the project: half of the 60 texts say 'good'."""
    def ask(rule, exact=True):
        return s.call("POST", "/projects/first/functions:try", {"rule": rule, "exact": exact}, mia)
    status, out = ask("label: good\nany: [good]")
    check("a rule is tried on every item", status == 200 and (out["n"], out["votes"], out["exact"]) == (60, 30, True) and out["labels"] == [{"label": "good", "votes": 30}], out)
    check("with examples", out["examples"] and all("says good" in e["text"] and e["said"] == "good" for e in out["examples"]), out["examples"])
    status, out = ask("label: good\nregex: 'number [0-4]\\b'", False)
    check("a sample answers with an interval", status == 200 and not out["exact"] and out["lo"] <= 5 / 60 <= out["hi"], out)
    for rule, code, word in (("label: good\nregex: '('", 422, "parenthes"), ("label: great\nany: [x]", 422, "great"), ("label: good\nany: [", 400, ""), ("[]", 422, "one function"),
                             ("label: good\ndictionary: /etc/passwd", 403, "may not"), ("command: [sh, -c, id]", 403, "may not"), ("label: good\nwords: [x]", 422, "words"),
                             ("label: good\nagree: [other]", 422, "other"), ("lua: 'function('", 400, "function")):
        status, out = ask(rule)
        check(f"refused: {rule!r}", status == code and word in out["detail"], (status, out))
    status, out = ask("lua: 'function(item) while true do end end'")
    check("a rule that does not end is named, and ends", status == 200 and out["failed"] > 0 and "ran longer" in out["failure"] and out["failed_item"], out)


def keeping(s, mia):
    """Rules kept from a page: they run at once over everything, are figures, may be replaced and taken away, and wrong ones change nothing."""
    def post(what, **body):
        return s.call("POST", f"/projects/first/functions:{what}", body, mia)
    def votes(out):
        return {f["name"]: f["votes"] for f in out["figures"]["functions"]}
    status, out = post("keep", name="says good", rule="label: good\nany: [good]")
    check("a rule is kept and has run over every item", status == 200 and votes(out) == {"says good": 30} and not out["running"], out)
    check("as it was typed, with who kept it", [(k["name"], k["rule"], k["by"]) for k in out["kept"]] == [("says good", "label: good\nany: [good]", "mia")], out["kept"])
    status, out = post("keep", name="low", rule="label: bad\nregex: 'number [0-4]\\b'")
    check("a second one beside it", status == 200 and votes(out) == {"says good": 30, "low": 5}, out)
    status, out = post("keep", name="low", rule="label: bad\nregex: 'number [0-9]\\b'")
    check("one of the same name is replaced where it stands", status == 200 and votes(out) == {"says good": 30, "low": 10} and [k["name"] for k in out["kept"]] == ["says good", "low"], out)
    for name, rule, code, word in (("x", "label: good\nregex: '('", 422, "parenthes"), ("x", "label: great\nany: [x]", 422, "great"), ("x", "label: good\ndictionary: /etc/passwd", 403, "may not"),
                                   ("x", "command: [sh, -c, id]", 403, "may not"), ("x", "[]", 422, "one function"), (" x", "label: good\nany: [x]", 422, "name"),
                                   ("x", "name: y\nlabel: good\nany: [x]", 422, "calls itself y"), ("x\ny", "label: good\nany: [x]", 422, "name")):
        status, p = post("keep", name=name, rule=rule)
        check(f"not kept: {name!r} {rule!r}", status == code and word in p["detail"], (status, p))
    check("a refused one changes nothing", votes(s.call("GET", "/projects/first/functions", token=mia)[1]) == {"says good": 30, "low": 10})
    status, out = post("drop", name="low")
    check("one is taken away with its votes", status == 200 and votes(out) == {"says good": 30} and len(out["kept"]) == 1, out)
    status, p = s.call("GET", "/projects/first/functions:suggest", token=mia)
    check("suggestions without labels to rest on are refused in words", status == 422 and "labels" in p["detail"], (status, p))
    status, p = post("drop", name="low")
    check("what is not there cannot be taken away", status == 404 and "low" in p["detail"], p)


def typing(s):
    """Rules that take long, by two managers at once: nobody who signs in waits for them."""
    trying, quick, codes = [s.sign_in("mia"), s.sign_in("root")], False, set()
    slow = {"rule": "lua: 'function(item) while true do end end'", "exact": True}
    for _ in range(6):  # behind them it would never be answered before the first is; beside them it is, unless the machine is very busy
        done = []
        threads = [threading.Thread(target=lambda t=t: done.append(s.call("POST", "/projects/first/functions:try", slow, t)[0])) for t in trying]
        [t.start() for t in threads]
        time.sleep(0.1)
        codes.add(s.call("POST", "/session", {"name": "ben", "password": PASSWORD})[0])
        quick |= done == []
        [t.join() for t in threads]
        codes.update(done)
    check("signing in does not wait for rules that are being tried", quick and codes == {200, 201}, (quick, codes))


def work(s, d, tmp):
    ann, ben, xena, mia, root = (s.sign_in(w) for w in ("ann", "ben", "xena", "mia", "root"))
    watch = http.client.HTTPConnection("127.0.0.1", s.port, timeout=10)
    watch.request("GET", "/api/v1/projects/first/progress:watch", headers={"Authorization": f"Bearer {mia}"})
    events = watch.getresponse()
    first = [events.readline() for _ in range(3)]
    check("watching begins with the state of things", first[0] == b"event: progress\n" and b'"answers":0' in first[1], first)
    seen.setdefault("progress_watch", set()).add(events.status)

    status, got = s.call("POST", "/projects/first/queue:next", {"desk": "annotator", "want": 2}, ann)
    a1, a2 = got["tasks"]
    check("two items are reserved, the second ahead", status == 200 and a1["item"] != a2["item"], got)
    again = s.call("POST", "/projects/first/queue:next", {"desk": "annotator", "want": 2}, ann)[1]["tasks"]
    check("asking again gives the same two", [t["item"] for t in again] == [a1["item"], a2["item"]], again)
    b1 = s.call("POST", "/projects/first/queue:next", {"desk": "annotator"}, ben)[1]["tasks"][0]
    status, one = answer(s, ann, a1, "good", 1, flagged=True, comment="is it?")
    check("an answer is taken and the next item comes with it", status == 201 and one["tasks"][0]["item"] == a2["item"] and one["answered"] == 1, one)
    status, same = answer(s, ann, a1, "good", 1, flagged=True, comment="is it?")
    check("the same client_id again changes nothing", status == 201 and same["repeated"] and same["id"] == one["id"] and same["answered"] == 1, same)
    status, p = answer(s, ann, a1, "bad", 1)
    check("the same client_id for another answer is refused", status == 409 and p["type"].endswith("conflict"), p)
    status, p = answer(s, ann, a1, "good", 2)
    check("a lease that is over is refused", status == 409 and p["type"].endswith("lease") and p["hint"], p)
    status, p = answer(s, ben, a2, "good", 1)
    check("somebody else's lease is refused", status == 409, p)
    status, p = answer(s, ben, b1, "great", 2)
    check("an unknown label is refused by name", status == 422 and "great" in p["detail"] and p["field"] == "/label", p)
    line = b""
    while b'"answers":1' not in line:
        line = events.readline()
    check("watchers see the answer", b'"flags":1' in line, line)
    events.close(), watch.close()

    status, back = s.call("POST", "/projects/first/annotations:undo", {"desk": "annotator"}, ann)
    check("the last answer can be taken back", status == 200 and back["tasks"][0]["item"] == a1["item"] and back["tasks"][0]["previous"] == "good", back)
    answer(s, ann, back["tasks"][0], "so so", 3)
    status, skipped = s.call("POST", "/projects/first/queue:next", {"desk": "annotator"}, ann)
    skip = skipped["tasks"][0]
    status, nxt = answer(s, ann, skip, None, 4)
    check("a skipped item does not come back to who skipped it", status == 201 and nxt["tasks"][0]["item"] != skip["item"], nxt)

    # ben answers the opposite of ann on everything he gets: disputes
    n, task = 10, b1
    while task and n < 40:
        n += 1
        label = "bad" if task["item"] != a1["item"] else "good"
        status, r = answer(s, ben, task, label, n)
        task = r["tasks"][0] if r["tasks"] else None
    n, task = 10, nxt["tasks"][0]
    while task and n < 40:
        n += 1
        status, r = answer(s, ann, task, "good", n)
        task = r["tasks"][0] if r["tasks"] else None
    prog = s.call("GET", "/projects/first/progress", token=mia)[1]
    check("disagreeing annotators make disputes, and agreement says so", prog["disputes_open"] >= 10 and prog["agreement"] == 0, prog)
    status, ex = s.call("POST", "/projects/first/queue:next", {"desk": "expert"}, xena)
    t = ex["tasks"][0]
    check("the expert sees the votes side by side", {v["annotator"] for v in t["votes"]} == {"ann", "ben"} and t["queue"] == "expert", t)
    status, r = s.call("POST", "/projects/first/annotations", {"desk": "expert", "token": t["token"], "item": t["item"], "label": "so so", "client_id": "xena-0001"}, xena)
    check("the expert's answer decides", status == 201 and r["complete"], r)
    status, item = s.call("GET", f"/projects/first/items/{t['item']}", token=mia)
    check("and is the item's label", item["label"] == "so so" and item["state"] == "adjudicated" and len(item["votes"]) == 3, item)
    status, p = s.call("POST", "/projects/first/annotations:undo", {"desk": "expert"}, xena)
    check("a decision is not undone behind people's backs", status == 409, p)

    people = {r["name"]: r for r in s.call("GET", "/projects/first/people", token=mia)[1]["people"]}
    check("people's work is counted", people["ann"]["answers"] > 10 and people["ann"]["skips"] == 1 and people["xena"]["role"] == "expert", people)
    rules(s, mia)
    keeping(s, mia)
    typing(s)
    status, out = s.call("POST", "/projects/first/exports", {"format": "jsonl", "text": True}, mia)
    check("an export is written", status == 201 and out["rows"] >= 1 and out["rows"] + out["left_out"] == 60, out)
    status, body = s.call("GET", f"/projects/first/exports/{out['file']}", token=mia)
    rows = {r["id"]: r for r in map(json.loads, body.decode().splitlines())}
    check("and holds the adjudicated label", rows[t["id"]]["label"] == "so so" and rows[t["id"]]["method"] == "adjudicated", rows.get(t["id"]))
    status, body = s.call("GET", f"/projects/first/exports/{out['left_out_file']}", token=mia)
    check("and the list of what was left out", body.count(b"\n") == out["left_out"] + 1, body[:200])

    time.sleep(11)  # the log's head is signed every ten seconds
    status, found = s.call("POST", "/projects/first/items:find", {"id": t["id"]}, token=xena)
    check("the item is found by its external id", status == 200 and found["item"] == t["item"] and found["label"], found)
    status, p = s.call("POST", "/projects/first/items:find", {"id": "nobody"}, token=xena)
    check("an id nobody has is named", status == 404 and "nobody" in p["detail"], p)
    status, proof = s.call("GET", f"/projects/first/items/{t['item']}/proof", token=xena)
    json.dump(proof, open(f"{tmp}/proof.json", "w"))
    r = karat("audit", "check", f"{tmp}/proof.json", "--key", open(f"{d}/keys/audit.public").read())
    check("the label can be proved offline", status == 200 and r.returncode == 0, (status, proof, r.stderr))
    head = s.call("GET", "/audit/head", token=ann)[1]
    check("the log's head is there for everybody", head["size"] > 40 and len(head["root"]) == 64, head)

    status, u = s.call("POST", "/users", {"name": "zoë", "password": "12345678"}, root)
    check("an administrator adds a user", status == 201 and u["name"] == "zoë", u)
    status, p = s.call("POST", "/users", {"name": "zoë", "password": "12345678"}, root)
    check("a name is taken once", status == 409 and p["type"].endswith("exists"), p)
    status, r = s.call("PUT", f"/projects/first/people/{u['id']}", {"role": "expert"}, mia)
    check("a manager gives roles", status == 200 and r["role"] == "expert", r)
    check("but does not make managers", s.call("PUT", f"/projects/first/people/{u['id']}", {"role": "manager"}, mia)[0] == 403)
    check("nor ends them", s.call("PUT", "/projects/first/people/2", {"role": "none"}, mia)[0] == 403)
    zoe = s.call("POST", "/session", {"name": "zoë", "password": "12345678"})[1]["token"]
    status, p = s.call("POST", "/session/password", {"old": "wrong", "new_password": "another one"}, zoe)
    check("a password is changed only by who knows it", status == 403 and p["field"] == "/old", p)
    check("it is changed", s.call("POST", "/session/password", {"old": "12345678", "new_password": "another one"}, zoe)[0] == 204)
    check("which ends the old sessions", s.call("GET", "/session", token=zoe)[0] == 401)
    zoe = s.call("POST", "/session", {"name": "zoë", "password": "another one"})[1]["token"]
    check("signing out", s.call("DELETE", "/session", token=zoe)[0] == 204 and s.call("GET", "/session", token=zoe)[0] == 401)
    check("the list of users", [x["name"] for x in s.call("GET", "/users", token=root)[1]["users"]][-1] == "zoë")
    check("the metrics know the operations", b'operation="answer_submit"' in s.call("GET", "/metrics", token=root)[1])
    check("the served document is the one in docs", s.call("GET", "/openapi.json")[1] == SPEC)


def raw(s, data, wait=3, read=True):
    c = socket.create_connection(("127.0.0.1", s.port), timeout=wait)
    try:
        c.sendall(data)
        out = b""
        while read:
            piece = c.recv(65536)
            if not piece:
                break
            out += piece
            if b"\r\n\r\n" in out and (b"Connection: close" in out or b"100 Continue" not in out):
                break
        return out
    except OSError as e:
        return str(e).encode()
    finally:
        c.close()


def hostile(s):
    ann = s.sign_in("ann")
    post = lambda body, **kw: s.call("POST", "/projects/first/queue:next", token=ann, raw=body, **kw)
    for name, body, status, word in (
        ("malformed JSON", b'{"desk" 5}', 400, "JSON"), ("no object", b"[1]", 400, "object"), ("an unknown field", b'{"desk":"annotator","wnat":1}', 400, "wnat"),
        ("a missing field", b"{}", 400, "desk"), ("a wrong type", b'{"desk":7}', 400, "string"), ("a repeated field", b'{"desk":"annotator","desk":"annotator"}', 400, "twice"),
        ("a number out of range", b'{"desk":"annotator","want":3}', 422, "want"), ("half a number", b'{"desk":"annotator","want":1.5}', 422, "whole"),
        ("invalid UTF-8", b'{"desk":"\xff\xfe"}', 400, "UTF-8"), ("text behind the object", b'{"desk":"annotator"} x', 400, "text"),
        ("deep nesting", b'{"desk":' + b"[" * 100000, 400, "desk"), ("a NUL in a text", b'{"desk":"annot\\u0000ator"}', 422, "one of")):
        got, p = post(body)
        check(f"{name} is refused and said", got == status and word in json.dumps(p), (got, p))
    check("a body that is not called JSON is refused", post(b'{"desk":"annotator"}', headers=(("Content-Type", "text/plain"),))[0] == 400)
    check("another site's page is refused", post(b'{"desk":"annotator"}', headers=(("Origin", "https://evil.example"),))[0] == 403)
    check("and so is what a browser calls cross-site", post(b'{"desk":"annotator"}', headers=(("Sec-Fetch-Site", "cross-site"),))[0] == 403)
    check("our own page is not", post(b'{"desk":"annotator"}', headers=(("Origin", f"http://127.0.0.1:{s.port}"), ("Sec-Fetch-Site", "same-origin")))[0] == 200)
    check("a made-up session is refused", s.call("GET", "/session", token="x" * 43)[0] == 401)
    check("HEAD is answered", s.call("HEAD", "/health")[0] == 200)
    status, p = s.call("PUT", "/session", {})
    check("a wrong method is said", status == 405, p)
    auth = f"Authorization: Bearer {ann}\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
    path = b"POST /api/v1/projects/first/queue:next HTTP/1.1\r\n"
    out = raw(s, path + auth + b"Content-Length: 100000000\r\nExpect: 100-continue\r\n\r\n")
    check("a body too large is refused before it is sent", b" 413 " in out and b"100 Continue" not in out, out[:200])
    out = raw(s, path + b"Host: x\r\nContent-Type: application/json\r\nContent-Length: 50000000\r\nExpect: 100-continue\r\n\r\n")
    check("and without a session before that", b" 401 " in out and b"100 Continue" not in out, out[:200])
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    out = raw(s, path + auth + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20 + b"0\r\n\r\n", wait=10)
    check("a chunked body too large is refused", b" 413 " in out, out[:200])
    for name, data in (("garbage", b"\x00\xff\x00garbage\r\n\r\n"), ("an endless head", b"GET /" + b"a" * 200000), ("half a request", b"GET /api/v1/hea"),
                       ("two lengths", path + auth + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n{}")):
        raw(s, data, wait=1, read=False)
        check(f"{name} does no harm", s.call("GET", "/health")[0] == 200)
    for bad in ("/projects/first/exports/..%2f..%2fkarat.db", "/projects/first/exports/labels.jsonl%00", "/projects/first/items/99999999999", "/projects/first/items/4000000000",
                "/projects/first/items/-1", "/projects//people", "/nothing", "/projects/first/items/1/proof"):
        status, p = s.call("GET", bad, token=s.sign_in("xena") if "proof" not in bad else ann)
        check(f"{bad} is refused", status in (403, 404), (status, p))
    idle = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(300)]
    check("three hundred idle connections leave it quick", s.call("GET", "/health")[0] == 200)
    for c in idle:
        c.close()
    codes = [s.call("POST", "/session", {"name": "vic", "password": "guess"})[0] for _ in range(12)]
    check("guessing passwords is slowed down", codes[0] == 401 and codes[-1] == 429, codes)
    check("for that name alone", s.call("POST", "/session", {"name": "ben", "password": PASSWORD})[0] == 201)


def one_server(s, d):
    r = karat("serve", d, "--port", "0")
    check("a second server is turned away, naming the first", r.returncode == 4 and str(s.p.pid) in r.stderr, r.stderr)
    r = karat("user", "add", d, "late", "--role", "viewer", "--project", "first", "--password-file", "-", input=PASSWORD)
    check("writing verbs too", r.returncode == 4, r.stderr)
    r = karat("status", d, "--project", "first")
    check("reading verbs work beside it", r.returncode == 0 and "items" in r.stdout, r.stderr)
    r = karat("serve", f"{d}-nowhere")
    check("a folder that is none is said", r.returncode == 3 and "no workspace" in r.stderr, r.stderr)
    r = subprocess.run([KARAT, "serve", d, "--listen", "localhost"], capture_output=True, text=True)
    check("an address that is none is said", r.returncode in (2, 4) and r.stderr, r.stderr)


def killed(tmp):
    """Answers are sent as fast as they are taken; the server is killed. What was acknowledged is there afterwards."""
    d = workspace(tmp, "killed", n=3000)
    acknowledged = set()
    for _ in range(3):
        s = Server(d)
        tokens = [s.sign_in(w) for w in ("ann", "ben")]
        stop = threading.Event()

        def labour(token, n):
            task, k = None, 0
            while not stop.is_set():
                try:
                    if not task:
                        task = s.call("POST", "/projects/first/queue:next", {"desk": "annotator"}, token)[1]["tasks"][0]
                    k += 1
                    status, r = s.call("POST", "/projects/first/annotations", {"desk": "annotator", "token": task["token"], "item": task["item"], "label": "good",
                                                                               "client_id": f"{token[:10]}-{k}", "want": 1}, token)
                    if status == 201:
                        acknowledged.add((r["id"], task["item"]))
                    task = r["tasks"][0]
                except (OSError, http.client.HTTPException, LookupError, TypeError):
                    return

        threads = [threading.Thread(target=labour, args=(t, i)) for i, t in enumerate(tokens)]
        [t.start() for t in threads]
        end, looked = time.monotonic() + 0.9, []
        while time.monotonic() < end:  # others look at the workspace meanwhile; their going must not take the database's log along
            looked.append(karat("status", d, "--project", "first").returncode)
        s.stop(signal.SIGKILL)
        check(f"{len(looked)} looks from outside all succeed", not any(looked), looked)
        stop.set()
        [t.join() for t in threads]
    log = {}
    for line in karat("audit", "show", d, "--count", "1000000").stdout.splitlines():
        e = json.loads(line)
        log[e["seq"]] = (e["kind"], e.get("item"))
    lost = [a for a in acknowledged if log.get(a[0]) != ("annotation.submit", a[1])]
    check(f"kill -9 loses none of {len(acknowledged)} acknowledged answers", len(acknowledged) > 50 and not lost, lost[:5])
    r = karat("audit", "verify", d)
    check("and the log holds", r.returncode == 0, r.stdout)
    s = Server(d)
    left = s.call("POST", "/projects/first/queue:next", {"desk": "annotator"}, s.sign_in("ann"))[1]["tasks"]
    check("the work goes on", len(left) == 1, left)
    s.stop()


def expired(tmp):
    d = workspace(tmp, "expired", lease="1s", n=1)
    s = Server(d)
    ann, ben = s.sign_in("ann"), s.sign_in("ben")
    a = s.call("POST", "/projects/first/queue:next", {"desk": "annotator"}, ann)[1]["tasks"][0]
    s.call("POST", "/projects/first/queue:next", {"desk": "annotator"}, ben)
    out = s.sign_in("xena")
    time.sleep(3.2)
    status, p = answer(s, ann, a, "good", 1)
    check("an answer after the lease ran out is refused", status == 409 and p["type"].endswith("lease"), p)
    again = s.call("POST", "/projects/first/queue:next", {"desk": "annotator"}, ann)[1]["tasks"]
    check("the item is offered again", again and again[0]["item"] == a["item"] and again[0]["token"] > a["token"], again)
    check("and taken then", answer(s, ann, again[0], "good", 2)[0] == 201, out)
    s.stop()


def flow(tmp):
    """serve --run: the whole flow of the quickstart with people who answer through HTTP; nobody starts anything in between."""
    quick = open(f"{ROOT}/examples/quickstart/karat.yaml").read()
    open(f"{tmp}/flow.yaml", "w").write(quick[: quick.index("simulate:")] + quick[quick.index("export:") :])
    items = f"{ROOT}/examples/quickstart/items.jsonl"
    topic = {r["id"]: r["topic"] for r in map(json.loads, open(items))}
    d = f"{tmp}/flow"
    karat("init", d, "--pipeline", f"{tmp}/flow.yaml")
    karat("ingest", d, items)
    for who, role in (("ann", "annotator"), ("ben", "annotator"), ("eve", "annotator"), ("xena", "expert"), ("mia", "manager")):
        karat("user", "add", d, who, "--role", role, "--password-file", "-", input=PASSWORD + "\n")
    s = Server(d, "--run")
    mia, stop, trouble, said = s.sign_in("mia"), threading.Event(), [], set()

    def labour(who, desk):
        token, n = s.sign_in(who), 0
        while not stop.is_set():
            status, r = s.call("POST", "/projects/1/queue:next", {"desk": desk}, token)
            for t in r.get("tasks", []):
                n += 1
                if t["queue"] == "trusted" and (t["pre_label"] or t["votes"]):
                    trouble.append(t)
                wrong = who == "eve" and sum(map(ord, t["id"])) % 5 == 0
                status, r = s.call("POST", "/projects/1/annotations", {"desk": desk, "token": t["token"], "item": t["item"], "client_id": f"{who}-{n:05}",
                                                                       "label": "praise" if wrong else topic[t["id"]]}, token)
                if status != 201:
                    trouble.append((status, r))
            if not r.get("tasks") and "id" not in r:
                time.sleep(0.05)

    threads = [threading.Thread(target=labour, args=a) for a in (("ann", "annotator"), ("ben", "annotator"), ("eve", "annotator"), ("xena", "expert"))]
    [t.start() for t in threads]
    status, kept = s.call("POST", "/projects/1/functions:keep", {"name": "thanks a lot", "rule": "label: praise\nany: [dream]"}, mia)
    own = s.call("POST", "/projects/1/functions:keep", {"name": "order_words", "rule": "label: praise\nany: [dream]"}, mia)
    check("a rule is kept while the flow is at work, but none of the pipeline file's names", status == 200 and len(kept["kept"]) == 1 and own[0] == 409 and "pipeline file" in own[1]["detail"], (kept, own))
    end = time.monotonic() + 120
    while time.monotonic() < end:
        p = s.call("GET", "/projects/1/progress", token=mia)[1]
        said.add(p["flow"])
        if p["flow"] and ("through" in p["flow"] or "error" in p["flow"]):
            break
        time.sleep(0.1)
    stop.set()
    [t.join() for t in threads]
    ran = s.call("GET", "/projects/1/functions", token=mia)[1]["figures"]["functions"]
    status, g = s.call("GET", "/projects/1/functions:suggest", token=mia)
    check("rules are suggested from what the model is sure of", status == 200 and g["predicted"] > 50 and g["suggestions"] and all(x["lo"] <= x["precision"] <= x["hi"] for x in g["suggestions"] if x["votes"]), g)
    check("the flow has run the kept rule beside the others", any(f["name"] == "thanks a lot" and f["votes"] > 0 for f in ran) and len(ran) > 5, ran)
    code, err = s.stop()
    check("people alone bring the flow to its end", "is through" in p["flow"] and not trouble, (p, trouble[:3], err))
    check("it told what it waited for", any("learn from" in (x or "") for x in said) and any("trusted" in (x or "") for x in said), said)
    rows = [json.loads(x) for x in open(f"{d}/export/labels.jsonl")]
    wrong = sum(r["label"] != topic[r["id"]] for r in rows)
    check("every item has its label, nearly all right", len(rows) == 542 and wrong < 30 and os.path.exists(f"{d}/report.html"), (len(rows), wrong))
    check("the machine took its share", sum(r["method"] == "auto" for r in rows) > 50, p)
    own = [f["votes"] for f in json.loads(karat("functions", d, "--json").stdout)["functions"] if f["name"] == "thanks a lot"]
    check("and so does the command line", own == [f["votes"] for f in ran if f["name"] == "thanks a lot"], own)
    r = karat("audit", "verify", d)
    check("two writers leave one log that holds", code == 0 and r.returncode == 0, r.stdout)
    again = karat("quality", d, "--json")
    check("and the command line finds nothing left to do", again.returncode == 0 and json.loads(again.stdout)["report"]["left_out"] == 0, again.stdout + again.stderr)


def main():
    tmp = tempfile.mkdtemp(prefix="karat-serve-")
    try:
        check("docs/openapi.json is the program's own", json.loads(karat("openapi").stdout) == SPEC, "run: karat openapi > docs/openapi.json")
        d = workspace(tmp, "w")
        s = Server(d)
        work(s, d, tmp)
        matrix(s)
        hostile(s)
        one_server(s, d)
        code, err = s.stop()
        check("it ends on Ctrl-C with 0 and without complaint", code == 0 and "error" not in err, (code, err))
        r = karat("audit", "verify", d)
        check("the log holds", r.returncode == 0, r.stdout)
        killed(tmp)
        expired(tmp)
        flow(tmp)
        missing = sorted(op for op, *_ in operations() if not any(200 <= x < 300 for x in seen.get(op, ())))
        check("every operation was answered well once", not missing, missing)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    end()


main()
