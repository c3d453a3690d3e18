"""symbols.py SOURCE_ROOT LIBRARY: what libkarat.so shows is what karat.h declares, no more and no less, and it needs nothing but
the C library. karat.h compiles alone as C11 and as C++ with every warning an error."""
import os, re, shutil, subprocess, sys

root, library = sys.argv[1:3]
header = os.path.join(root, "include", "karat.h")
bad = []
declared = set(re.findall(r"^KARAT_API [^(]*?\b(karat_\w+)\(", open(header).read(), re.M))
shown = {line.split()[-1].split("@")[0] for line in subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout.splitlines()}
bad += [f"{s} is visible and not in karat.h" for s in sorted(shown - declared) if not s.startswith("__")]
bad += [f"{s} is in karat.h and not in the library" for s in sorted(declared - shown)]
needed = re.findall(r"NEEDED.*\[(.*)\]", subprocess.run(["readelf", "-d", library], capture_output=True, text=True).stdout)
bad += [f"libkarat.so needs {n}" for n in needed if not re.match(r"(libc|libm|libpthread|ld-linux.*|lib(asan|ubsan|tsan|gcc_s).*)\.so", n)]
test = os.path.join(root, "tests", "api", "header_test.c")
warnings = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-I", os.path.dirname(header)]
for name, args in (("cc", ["-std=c11", "-x", "c"]), ("clang", ["-std=c11", "-x", "c"]), ("c++", ["-std=c++11", "-x", "c++"]), ("clang++", ["-std=c++11", "-x", "c++"])):
    if not shutil.which(name):
        print(f"skipped: {name} is not here")
        continue
    r = subprocess.run([name, *args, *warnings, test], capture_output=True, text=True)
    bad += [f"{name}: {r.stderr}"] if r.returncode else []
print("\n".join(bad) or f"{len(declared)} functions, as declared")
sys.exit(bool(bad))
