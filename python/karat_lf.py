"""Labeling functions in Python for Karat. One file, nothing but the standard library.

    from karat_lf import labeling_function, main

    ABSTAIN = None

    @labeling_function()
    def asks_for_money(x):
        return "billing" if "refund" in x.text.lower() else ABSTAIN

    @labeling_function(name="short_title", resources={"limit": 20})
    def short(x, limit):
        return "praise" if len(x.title) < limit else None

    if __name__ == "__main__":
        main()

and in the pipeline file

    functions:
      - {name: asks_for_money, command: [python3, functions.py]}
      - {name: short_title, command: [python3, functions.py]}

A function returns a label's name, its number in the project's label list, or None (or -1, as in Snorkel) to abstain. x has text, id,
meta (a dict) and every field of meta as an attribute. What a function raises costs that vote alone; Karat names function and item.
Where items bear several labels (task: multi-label) it returns a list or set of them; where labels are of regions (task: spans) a list of
(start, end) or (start, end, label): places as Python counts characters, end not included. What is printed goes to stderr: stdout belongs to the protocol.
"""
import json
import sys

_functions = {}


class Item:
    __slots__ = ("id", "text", "meta")

    def __init__(self, id, text, meta):
        self.id, self.text, self.meta = id, text, meta

    def __getattr__(self, name):
        try:
            return self.meta[name]
        except KeyError:
            raise AttributeError(f"the item has no field {name}") from None

    def __getitem__(self, name):
        return getattr(self, name)


class LabelingFunction:
    """A function with a name; called on an item it gives its vote."""

    def __init__(self, name, f, resources=None, pre=None):
        self.name, self._f, self._resources, self._pre = name, f, resources or {}, pre or []
        self.__doc__ = f.__doc__

    def __call__(self, x):
        for p in self._pre:
            x = p(x)
        return self._f(x, **self._resources)

    def __repr__(self):
        return f"LabelingFunction {self.name}"


def labeling_function(name=None, resources=None, pre=None):
    """Decorator. name: the function's own when absent; resources: keyword arguments of every call; pre: run on the item before."""

    def wrap(f):
        lf = LabelingFunction(name or f.__name__, f, resources, pre)
        if lf.name in _functions:
            raise ValueError(f"there are two labeling functions named {lf.name}")
        _functions[lf.name] = lf
        return lf

    return wrap


def _span(s, labels):
    """(start, end) or (start, end, label), or an object with these names, as spaCy's start_char, end_char and label_."""
    if hasattr(s, "start_char"):
        s = (s.start_char, s.end_char, s.label_)
    elif isinstance(s, dict):
        s = (s["start"], s["end"], s.get("label"))
    start, end, *label = s
    return [int(start), int(end), *(_label(x, labels) for x in label if x is not None)]


def _label(vote, labels):
    if vote is None or isinstance(vote, str):
        return vote
    if isinstance(vote, (list, tuple, set)):
        return [_label(v, labels) if isinstance(v, (str, int)) else _span(v, labels) for v in (sorted(vote, key=str) if isinstance(vote, set) else vote)]
    number = int(vote)
    if number == -1:
        return None
    if not 0 <= number < len(labels):
        raise ValueError(f"{number} is no number of a label: there are {len(labels)}")
    return labels[number]


def _answer(item, wanted, labels):
    x = Item(item["id"], item["text"], item["meta"])
    votes, errors = {}, {}
    for lf in wanted:
        try:
            votes[lf.name] = _label(lf(x), labels)
        except Exception as e:  # whatever it is: this function, this item
            errors[lf.name] = f"{type(e).__name__}: {e}"
    return {"n": item["n"], "votes": votes, **({"errors": errors} if errors else {})}


def main(functions=None):
    """Speaks with Karat over stdin and stdout until stdin ends. functions: those to serve; by default all that were decorated."""
    served = {f.name: f for f in functions} if functions is not None else _functions
    out, sys.stdout = sys.stdout, sys.stderr
    hello = json.loads(sys.stdin.readline() or "{}")
    missing = [f for f in hello.get("functions", []) if f not in served]
    if missing:
        sys.exit(f"there is no labeling function {missing[0]}; there are {', '.join(served) or 'none'}")
    wanted, labels = [served[f] for f in hello.get("functions", [])], hello.get("labels", [])
    out.write('{"ready":true}\n')
    out.flush()
    for line in sys.stdin:
        for item in json.loads(line)["items"]:
            out.write(json.dumps(_answer(item, wanted, labels)) + "\n")
            out.flush()
