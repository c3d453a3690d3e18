"""active.py KARAT [SEEDS]: learning curves of active learning on sets with gold, five seeds unless said: accuracy on the test (mean, and standard
deviation over seeds), strategies beside random choice with the same model, and beside the figures published for other tools. Prints
tables and writes active.svg beside them (AG News: mean and band)."""
import statistics, subprocess, sys

import learn_data

AT = {"ag-news": "30,50,100,200,300,400,500,1000", "youtube-spam": "30,50,100,200,300,500", "sms-spam": "30,50,100,200,300,500",
      "banking77": "200,500,1000,2000"}
STRATEGIES = ["random", "margin", "diverse", "expected_error", "density", "balanced"]
OTHERS = {"modAL, small-text (TF-IDF, logistic regression)": {100: 0.61, 200: 0.74, 500: 0.81, 1000: 0.845},
          "random, the same": {100: 0.605, 200: 0.70, 500: 0.80, 1000: 0.833}}


def curve(exe, pair, strategy, seeds, at):
    points = {}
    for seed in range(1, seeds + 1):
        out = subprocess.run([exe, "curve", *pair, strategy, str(seed), at], capture_output=True, text=True, check=True).stdout
        for line in out.splitlines():
            n, right, _ = line.split()
            points.setdefault(int(n), []).append(float(right))
    return points


def svg(curves, path):
    w, h, lo, hi, most = 720, 420, 0.55, 0.9, 1000
    x, y = (lambda n: 60 + (w - 220) * n / most), (lambda a: h - 40 - (h - 60) * (a - lo) / (hi - lo))
    colour = dict(zip(curves, ["#1668b8", "#777777", "#c0392b", "#e0a0a0"]))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>']
    for a in range(55, 91, 5):
        out.append(f'<path d="M60 {y(a / 100):.1f}H{x(most):.1f}" stroke="#ddd"/><text x="30" y="{y(a / 100) + 4:.1f}">{a / 100:.2f}</text>')
    for n in range(0, 1001, 200):
        out.append(f'<text x="{x(n) - 8:.1f}" y="{h - 20}">{n}</text>')
    for name, points in curves.items():
        ns = sorted(points)
        mean = {n: statistics.mean(points[n]) for n in ns}
        sd = {n: statistics.pstdev(points[n]) for n in ns}
        band = [f"{x(n):.1f},{y(mean[n] + sd[n]):.1f}" for n in ns] + [f"{x(n):.1f},{y(mean[n] - sd[n]):.1f}" for n in reversed(ns)]
        out.append(f'<polygon points="{" ".join(band)}" fill="{colour[name]}" opacity="0.2"/>')
        out.append(f'<polyline points="{" ".join(f"{x(n):.1f},{y(mean[n]):.1f}" for n in ns)}" fill="none" stroke="{colour[name]}" stroke-width="2"/>')
        place = 30 + 20 * list(curves).index(name)
        out.append(f'<text x="{x(most) + 8:.1f}" y="{place}" fill="{colour[name]}">{name.split(" (")[0]}</text>')
    out.append(f'<text x="{x(350):.1f}" y="{h - 4}">labels (AG News, accuracy on the test)</text></svg>')
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")


def main(karat, seeds):
    exe, work = learn_data.build(karat)
    for name, at in AT.items():
        pair = learn_data.files(work, name)
        if not pair:
            continue
        some = seeds if name != "banking77" else min(seeds, 2)
        ns = [int(n) for n in at.split(",")]
        print(f"\n| {name}, {some} seeds: labels | " + " | ".join(map(str, ns)) + " |\n|---|" + "---|" * len(ns))
        curves = {}
        for s in STRATEGIES if name != "banking77" else ["random", "margin", "diverse"]:
            c = curves[s] = curve(exe, pair, s, some, at)
            print(f"| {s} | " + " | ".join(f"{statistics.mean(c[n]):.3f} ± {statistics.pstdev(c[n]):.3f}" for n in ns) + " |", flush=True)
        if name == "ag-news":
            for other, c in OTHERS.items():
                print(f"| {other} | " + " | ".join(f"{c[n]:.3f}" if n in c else "" for n in ns) + " |")
            svg({"diverse": curves["diverse"], "random": curves["random"], **{o: {n: [a] for n, a in c.items()} for o, c in OTHERS.items()}},
                f"{learn_data.here}/active.svg")


main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
