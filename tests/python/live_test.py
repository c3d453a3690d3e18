"""LiveConsensus. Checked against karat.dawid_skene with the same pseudo-votes (a refit), and against its own definition: replacing,
withdrawing, labels that turn up late, threads, misuse."""
import _numpy  # noqa: F401
import doctest, random, threading

import karat
import karat.live


def crowd(n=200, k=3):
    rng = random.Random(8)
    names = "abcdefgh"[:k]
    return [(i, f"s{s}", (t := names[i % k]) if rng.random() < 0.55 + 0.05 * s else rng.choice(names)) for i in range(n) for s in rng.sample(range(8), 4)]


def off(live, votes, k=3):
    u = 1.2 / (k - 1)
    ref = karat.dawid_skene(votes, n_iter=3000, uniform=u, right=2.8 - u, equal=1, unnamed=0.2)
    return max(abs(live.posterior(i)[l] - ref.probs[a, b]) for a, i in enumerate(ref.items) for b, l in enumerate(ref.labels))


def refused(f, *args, **kw):
    try:
        f(*args, **kw)
    except karat.KaratError as e:
        return str(e)
    raise AssertionError(f"{f} took {args} {kw}")


def equals_refit():
    votes = crowd()
    one, many = karat.LiveConsensus(), karat.LiveConsensus("abc")
    for v in votes:
        one.add(*v)
    assert off(one, votes) < 0.4  # at once: near, where the item was not looked at again
    one.settle()
    many.extend(votes)
    assert off(one, votes) < 1e-3 and off(many, votes) < 1e-3
    assert one.label(0) == many.label(0) and one.accuracy("s7") > one.accuracy("s0")
    for i, s, l in votes[-7:]:
        many.withdraw(i, s)
    assert off(many, votes[:-7]) < 0.05
    many.settle()
    assert off(many, votes[:-7]) < 1e-3
    i, s, l = votes[0]
    many.add(i, s, "b" if l != "b" else "c")  # replaces
    changed = [(i, s, "b" if l != "b" else "c")] + votes[1:-7]
    many.settle()
    assert off(many, changed) < 1e-3
    many.extend(votes[-7:])  # votes by known sources on known items
    assert off(many, changed + votes[-7:]) < 1e-3


def asks():
    live = karat.LiveConsensus(["x", "y"])
    for i in range(40):
        for s, good in (("good", True), ("fair", i % 4), ("poor", i % 2)):
            live.add(i, s, "xy"[i % 2] if good else "xy"[1 - i % 2])
    live.settle()
    first = live.next_source("new", ["good", "poor"], doubt=0, least=0)
    assert (first.verdict, first.source) == ("ask", "good") and 0 < first.gain < 0.5
    assert live.next_source("new", ["good", "poor"], doubt=0, least=0, price={"good": 9, "poor": 0}).source == "poor"
    assert live.next_source("new", least=0, price=1).verdict == "not_worth" and live.next_source("new", least=0, price=1, worth=100).verdict == "ask"
    live.add("new", "good", "x")
    assert live.next_source("new", target=0.6, least=1).verdict == "sure" and live.next_source("new", target=0.6).verdict == "ask"
    assert live.next_source("new", ["good"]).verdict == "not_worth"  # has voted, nobody else is there
    assert live.label("new") == "x" and live.probs("nobody knows").sum() > 0.999


def misuse():
    live = karat.LiveConsensus(["x"])
    assert "not one of the 1" in refused(live.add, 1, "a", "y")
    assert "has not been seen" in refused(live.withdraw, 1, "a")
    live.add(1, "a", "x")
    assert "no vote" in refused(live.withdraw, 1, "a") if live.withdraw(1, "a") is None else False
    assert live.label(1) is None
    for bad in ({"target": 0}, {"target": 2}, {"worth": 0}, {"price": -1}, {"price": float("nan")}, {"doubt": 1}, {"price": {}}):
        refused(live.next_source, 1, ["a"], **bad)
    refused(karat.LiveConsensus, ["x", "x"])
    refused(karat.LiveConsensus, ["x", "y"], right=-1)
    live.close()
    live.close()
    assert "closed" in refused(live.add, 1, "a", "x")
    with karat.LiveConsensus(refresh=0) as l:  # threads: one at a time inside
        work = [threading.Thread(target=lambda n=n: [l.add((n, i), f"s{n}", i % 5) for i in range(200)]) for n in range(4)]
        [t.start() for t in work]
        [t.join() for t in work]
        assert len(l.items) == 800 and len(l.labels) == 5 and all(l.label((n, i)) is not None for n in range(4) for i in range(200))


assert doctest.testmod(karat.live).failed == 0
for test in (equals_refit, asks, misuse):
    test()
    print(test.__name__, "ok")
