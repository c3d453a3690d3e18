"""Includes may only run down a floor (ARCHITECTURE.md); folders on one floor do not know each other."""
import os, re, sys

FLOOR = {"base": 0, "algo": 1, "db": 1, "blob": 1, "store": 2, "format": 3, "provider": 3, "stage": 4, "server": 5, "api": 5, "cli": 6}
DOOR = {"server": "server/server.h"}  # all that those above see of it
os.chdir(sys.argv[1])
bad = []
ONLY = {"db": {"store"}, "blob": {"store"}}  # SQL and bytes are the store's business
for root, _, files in os.walk("src"):
    for f in files:
        here = root.split(os.sep)[1] if os.sep in root else f[:3]  # src/api*.c: the public library
        if not f.endswith((".c", ".h", ".def")) or here not in FLOOR:
            continue
        for n, line in enumerate(open(os.path.join(root, f)), 1):
            m = re.match(r'\s*#\s*include\s+"([a-z_./]+)"', line)
            if not m or m.group(1).split("/")[0] == here or (here == "api" and "/" not in m.group(1)):
                continue
            there = m.group(1).split("/")[0]
            if there not in FLOOR or FLOOR[there] >= FLOOR[here] or (here == "algo" and there != "base") or here not in ONLY.get(there, {here}) or DOOR.get(there, m.group(1)) != m.group(1) or m.group(1).endswith("_int.h"):
                bad.append(f"{root}/{f}:{n}: {here} (floor {FLOOR[here]}) may not include {m.group(1)}")
print("\n".join(bad) or "every include runs down a floor")
sys.exit(bool(bad))
