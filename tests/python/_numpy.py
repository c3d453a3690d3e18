"""Import first: goes on under a Python that has numpy (Debian's, where another one shadows it), or exits 77 and says so."""
import os, sys

try:
    import numpy  # noqa: F401
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/lib/python3/dist-packages/numpy"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print("skipped: numpy is not here (apt install python3-numpy)")
    sys.exit(77)
