"""A family's .def line and its file go together: FAMILY.def holds KT_X(name), the folder holds prefix_name.c."""
import os, re, sys

os.chdir(sys.argv[1])
PREFIX = {"verbs": "verb", "readers": "read", "writers": "write", "agreements": "agree", "aggregators": "aggregate",
          "selectors": "select", "error_tasks": "errors", "score_tasks": "score", "model_kinds": "model", "providers": "provider", "drivers": "db"}
bad = []
for root, _, files in os.walk("src"):
    for f in files:
        stem = f[:-4]
        if not f.endswith(".def") or stem not in PREFIX:
            continue
        named = set(re.findall(r"^KT_[A-Z_]+\((\w+)", open(os.path.join(root, f)).read(), re.M))
        files_here = {g[len(PREFIX[stem]) + 1:-2] for g in files if g.startswith(PREFIX[stem] + "_") and g.endswith(".c")}
        bad += [f"{root}/{f}: {x} has no file {PREFIX[stem]}_{x}.c" for x in named - files_here]
        bad += [f"{root}/{PREFIX[stem]}_{x}.c has no line in {f}" for x in files_here - named]
print("\n".join(bad) or "every member has its line and its file")
sys.exit(bool(bad))
