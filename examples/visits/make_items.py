#!/usr/bin/env python3
"""Writes items.jsonl: invented workshop notes, with the regions that name a customer, a part or a date (code points, end not included)."""
import json, random

g = random.Random(11)
FIRST = ["Ada", "Bjørn", "Chloé", "Dmitri", "Elif", "Fatou", "Grace", "Hugo", "Inês", "Jun", "Kofi", "Leila", "Maya", "Noor", "Oskar", "Priya"]
LAST = ["Adeyemi", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jansen", "Kowalski", "Lindqvist", "Moreau", "Novak"]
PARTS = ["chain", "rear derailleur", "bottom bracket", "front brake", "brake pads", "saddle", "dynamo hub", "rear wheel", "tyre", "inner tube", "crank", "pedals", "headset"]
STATE = ["worn", "cracked", "loose", "rusty", "bent", "noisy", "out of true"]
MONTHS = ["January", "March", "May", "June", "September", "October", "December"]
DAYS = ["Monday", "Tuesday", "Thursday", "Saturday"]
PLAIN = ["Nothing to report.", "Shop closed early.", "Stock counted, all there.", "Called twice, no answer.", "Test ride was fine.", "Waiting for the delivery."]


def customer():
    how = g.random()
    if how < 0.5:
        return f"{g.choice(FIRST)} {g.choice(LAST)}"
    return f"{g.choice(('Ms', 'Mr', 'Dr'))} {g.choice(LAST)}" if how < 0.8 else g.choice(FIRST)


def date():
    return f"{g.randrange(1, 29)} {g.choice(MONTHS)}" if g.random() < 0.6 else g.choice(DAYS)


def note():
    """Pieces of text and of regions (text, label)."""
    c, p, d = (customer(), "customer"), (g.choice(PARTS), "part"), (date(), "date")
    s = g.choice(STATE)
    return g.choice([
        [c, " brought the bike in on ", d, ", the ", p, f" is {s}."], ["The ", p, " of ", c, f"'s bike was {s}; ready by ", d, "."], ["Replaced the ", p, " and the ", (g.choice(PARTS), "part"), " for ", c, "."],
        [c, f" says it is {s} again, probably the ", p, "."], ["To be picked up by ", c, " on ", d, "."], ["Ordered a ", p, " on ", d, "."], ["Call ", c, " before ", d, " about the ", p, "."],
        [f"Looked at the ", p, f": {s}. Told ", c, " so."], [g.choice(PLAIN)], ["Spring sale begins on ", d, "."],
    ])


with open("items.jsonl", "w", encoding="utf-8") as f:
    for i in range(900):
        text, spans = f"{g.choice(('', 'Note: ', 'Workshop, '))}", []
        for piece in note():
            if isinstance(piece, tuple):
                spans.append([len(text), len(text) + len(piece[0]), piece[1]])
                piece = piece[0]
            text += piece
        f.write(json.dumps({"id": f"v{i:03}", "text": text, "spans": spans}, ensure_ascii=False) + "\n")
