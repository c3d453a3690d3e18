"""CRFsuite on the features of karat's span tagger, for kinds.py: build(FOLDER, WORK) compiles it from the sources of the npm package `crfsuite`
(npm install crfsuite --ignore-scripts; CRFSUITE=…/node_modules/crfsuite), tag(…) trains and tags."""
import glob, os, subprocess

here = os.path.dirname(os.path.abspath(__file__))
WINDOWS = [("word=", 0, 0, 0), ("word[-1]=", -1, -1, 0), ("word[-2]=", -2, -2, 0), ("word[+1]=", 1, 1, 0), ("word[+2]=", 2, 2, 0), ("words[-1,0]=", -1, 0, 0),
           ("words[0,+1]=", 0, 1, 0), ("words[-2,-1]=", -2, -1, 0), ("words[+1,+2]=", 1, 2, 0), ("words[-1,+1]=", -1, 1, 0), ("shape=", 0, 0, 1),
           ("shape[-1]=", -1, -1, 1), ("shape[+1]=", 1, 1, 1), ("shapes[-1,0]=", -1, 0, 1), ("shapes[0,+1]=", 0, 1, 1), ("shapes[-1,+1]=", -1, 1, 1)]


def build(folder, work):
    c, exe = f"{folder}/crfsuite", f"{work}/crfsuite_side"
    sources = [f"{folder}/liblbfgs/lib/lbfgs.c", f"{c}/lib/cqdb/src/lookup3.c", f"{c}/lib/cqdb/src/cqdb.c", *glob.glob(f"{c}/lib/crf/src/*.c")]
    objects = []
    for s in sources:
        objects.append(f"{work}/crfsuite-{os.path.basename(s)}.o")
        subprocess.run(["gcc", "-O3", "-w", "-include", "emmintrin.h", "-DUSE_SSE", "-DUSE_SSE2", f"-I{folder}/liblbfgs/include", f"-I{c}/include",
                        f"-I{c}/lib/cqdb/include", "-c", s, "-o", objects[-1]], check=True)
    subprocess.run(["g++", "-O3", "-w", f"-I{c}/include", f"-I{c}/lib/crf/src", f"{here}/crfsuite_side.cpp", *objects, "-o", exe], check=True)
    return exe


def shape(word):
    out = ""
    for c in word:
        kind = ("X" if "A" <= c <= "Z" else "x" if "a" <= c <= "z" else "d" if "0" <= c <= "9" else c if ord(c) < 128 else
                "c" if 0x3000 <= ord(c) < 0xa000 else "o")
        out += kind if out[-2:] != 2 * kind else ""
    return out[:24]


def low(word):
    return "".join(c.lower() if "A" <= c <= "Z" else c for c in word[:48])


def capitals(shapes):
    large, small = (sum(s[:1] == c for s in shapes) for c in "Xx")
    return None if large + small == 0 else "none" if large == 0 else "all" if small == 0 else "most" if large > small else "some"


def features(words):
    """As src/algo/learn/crf_features.c makes them."""
    lows, shapes = [low(w) for w in words], [shape(w) for w in words]
    how = capitals(shapes)
    at = lambda v, i: v[i] if 0 <= i < len(v) else "<s>" if i < 0 else "</s>"
    for t, w in enumerate(lows):
        f = [name + " ".join(at(shapes if s else lows, t + o) for o in range(a, b + 1)) for name, a, b, s in WINDOWS]
        for k in range(1, min(5, len(w))):
            f += [f"prefix{k}={w[:k]}", f"suffix{k}={w[-k:]}"]
        f += [f"suffix3[{o:+d}]={lows[t + o][-3:]}" for o in (-1, 1) if 0 <= t + o < len(lows) and len(lows[t + o]) >= 3]
        f += [("" if t else "first, ") + f"shape, capitals={shapes[t]} {how}"] if how else []
        yield [f"as written={words[t][:48]}", f"length={min(len(w), 10)}", "any token", *f]


def sentences(conll):
    out = [[]]
    for line in open(conll, encoding="utf-8"):
        c = line.rstrip("\n").split("\t")
        if c[0].strip():
            out[-1].append((c[0], c[-1]))
        elif out[-1]:
            out.append([])
    return [s for s in out if s]


def tag(exe, train, test, work, *settings):
    """(seconds of training, tags of every sentence of test)."""
    for part, conll in (("train", train), ("test", test)):
        with open(f"{work}/crfsuite-{part}.txt", "w", encoding="utf-8") as f:
            for s in sentences(conll):
                f.writelines("\t".join([t, *x]) + "\n" for (_, t), x in zip(s, features([w for w, _ in s])))
                f.write("\n")
    r = subprocess.run([exe, f"{work}/crfsuite-train.txt", f"{work}/crfsuite-test.txt", f"{work}/crfsuite.model", *settings], capture_output=True, text=True, check=True)
    return float(r.stderr), [b.split("\n") for b in r.stdout.strip("\n").split("\n\n")]
