"""What filters keep of the tables they read: seconds of processor time and peak memory of `karat errors` on 1,000,000 x 10 probabilities and of
`karat score` on 10,000,000 predictions, as CSV and as .npy. python3 bench/tables.py build [OTHER_BUILD]; needs no numpy."""
import array, random, struct, subprocess, sys, tempfile

ITEMS, CLASSES, PREDICTIONS = 1_000_000, 10, 10_000_000


def npy(path, descr, shape, data):
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)
        data.tofile(f)


def make(folder):
    """Labels drawn from the probabilities' own rows, of which there are a thousand different ones."""
    rng = random.Random(1)
    rows = []
    for _ in range(1000):
        x = [rng.gammavariate(.3, 1) for _ in range(CLASSES)]
        rows.append([round(v / sum(x), 6) for v in x])
    pick = [rng.randrange(1000) for _ in range(ITEMS)]
    label = [rng.choices(range(CLASSES), rows[r])[0] for r in pick]
    text = [",".join(f"{v:.6f}" for v in r) for r in rows]
    with open(f"{folder}/probs.csv", "w") as f:
        f.write("item," + ",".join(f"c{k}" for k in range(CLASSES)) + "\n")
        f.writelines(f"item{i},{text[r]}\n" for i, r in enumerate(pick))
    with open(f"{folder}/labels.csv", "w") as f:
        f.write("item,label\n")
        f.writelines(f"item{i},c{c}\n" for i, c in enumerate(label))
    p = array.array("d")
    for r in pick:
        p.extend(rows[r])
    npy(f"{folder}/probs.npy", "<f8", (ITEMS, CLASSES), p)
    npy(f"{folder}/labels.npy", "<i8", (ITEMS,), array.array("q", label))
    truth = array.array("q", (rng.randrange(5) for _ in range(PREDICTIONS)))
    said = array.array("q", (t if rng.random() < .8 else rng.randrange(5) for t in truth))
    for name, values in (("truth", truth), ("predicted", said)):
        npy(f"{folder}/{name}.npy", "<i8", (PREDICTIONS,), values)
        with open(f"{folder}/{name}.csv", "w") as f:
            f.write("item,label\n")
            f.writelines(f"{i},l{v}\n" for i, v in enumerate(values))


def measure(*command):
    """Processor seconds and peak megabytes of a child of a child, so that one does not hide another."""
    code = ("import resource,subprocess,sys; subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL,check=True);"
            "u=resource.getrusage(resource.RUSAGE_CHILDREN); print(u.ru_utime+u.ru_stime,u.ru_maxrss/1024)")
    return [float(x) for x in subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True).stdout.split()]


with tempfile.TemporaryDirectory() as d:
    make(d)
    for title, args in (("errors, 1,000,000 x 10, CSV", ["errors", "--labels", f"{d}/labels.csv", "--probs", f"{d}/probs.csv"]),
                        ("errors, 1,000,000 x 10, .npy", ["errors", "--labels", f"{d}/labels.npy", "--probs", f"{d}/probs.npy"]),
                        ("score, probabilities, CSV", ["score", f"{d}/labels.csv", "--probs", f"{d}/probs.csv"]),
                        ("score, 10,000,000, CSV with items", ["score", f"{d}/predicted.csv", f"{d}/truth.csv"]),
                        ("score, 10,000,000, .npy", ["score", f"{d}/predicted.npy", f"{d}/truth.npy"])):
        for build in sys.argv[1:]:
            seconds, peak = measure(f"{build}/karat", *args)
            print(f"{title:36} {build:20} {seconds:6.2f} s  {peak:6.0f} MB", flush=True)
