"""Every stored answer of KARAT_SHARED/reference whose method the filters know, through the command line. Methods without a
filter of their own are listed as not covered; exits 77 when the folder is absent."""
import collections, glob, json, math, os, subprocess, sys

KARAT = os.environ["KARAT"]
REFERENCE = os.path.join(os.environ.get("KARAT_SHARED", "../shared"), "reference")
failures = []
passed = collections.Counter()


def karat(args, text):
    r = subprocess.run([KARAT] + args, input=text.encode(), capture_output=True, timeout=120)
    if r.returncode:
        raise AssertionError(f"karat {' '.join(args)}: exit {r.returncode}: {r.stderr.decode().strip()}")
    return json.loads(r.stdout)


def close(what, got, want, tolerance):
    if got is None or want is None:
        assert got is None and want is None, f"{what}: {got}, expected {want}"
    else:
        assert abs(got - want) <= tolerance, f"{what}: {got}, expected {want} within {tolerance}"


def votes_csv(rows):
    return "item,annotator,label\n" + "".join(f"{i},{s},{'' if l is None else l}\n" for i, s, l in rows)


def tasks_csv(case):
    return votes_csv(case["input"]["task_worker_label"])


def agree(method, options, rows):
    args = ["agree", "-", "--json", "--method", method]
    for o in options:
        args += ["--set", o]
    got = karat(args, votes_csv(rows))
    assert got["method"] == method
    if got["ci95"] is not None:
        assert got["ci95"][0] <= got["value"] + 1e-12 and got["ci95"][1] >= got["value"] - 1e-12, got
    return got["value"]


def listed(name, values):
    return [] if values is None else [f"{name}={','.join(str(v) for v in values)}"]


def cohen_kappa(case):
    i = case["input"]
    rows = [(u, s, l) for u, pair in enumerate(zip(i["a"], i["b"])) for s, l in zip("ab", pair)]
    for weights, want in case["expected"].items():
        close(weights, agree("cohen_kappa", [f"weights={weights}"] + listed("labels", i["labels"]), rows), want, case["tolerance"]["abs"])


def fleiss_kappa(case):
    counts = case["input"]["counts"]
    rows = []
    for u, row in enumerate(counts):
        said = [c for c, n in enumerate(row) for _ in range(n)]
        rows += [(u, s, c) for s, c in enumerate(said)]
    for name, method in (("fleiss", "fleiss_kappa"), ("randolph", "randolph_kappa")):
        close(name, agree(method, listed("labels", range(len(counts[0]))), rows), case["expected"][name], case["tolerance"]["abs"])


def krippendorff_alpha(case):
    i = case["input"]
    rows = [(u, s, l) for s, row in enumerate(i["reliability"]) for u, l in enumerate(row)]
    for level, want in case["expected"]["alpha"].items():
        close(level, agree("krippendorff_alpha", [f"level={level}"] + listed("value_domain", i["value_domain"]), rows), want, case["tolerance"]["abs"])


CHECKS = {f.__name__: f for f in (cohen_kappa, fleiss_kappa, krippendorff_alpha)}

if not os.path.isdir(REFERENCE):
    print("skipped: reference (no folder", REFERENCE + ")")
    sys.exit(77)
missing = collections.Counter()
for path in sorted(glob.glob(os.path.join(REFERENCE, "*__*.json"))):
    case = json.load(open(path))
    check = CHECKS.get(case["method"])
    if not check:
        missing[case["method"]] += 1
        continue
    try:
        check(case)
        passed[case["method"]] += 1
    except AssertionError as e:
        failures.append(f"{case['method']}__{case['case']}: {e}")
for m in sorted(passed):
    print(f"{m}: {passed[m]} cases agree")
for m in sorted(missing):
    print(f"not covered here: {m} ({missing[m]} cases)")
print("\n".join(failures))
sys.exit(bool(failures))
