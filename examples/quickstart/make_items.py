"""Writes items.jsonl: messages to an imaginary bicycle shop, five topics, with duplicates and hard cases. Deterministic."""
import json, random

random.seed(11)
BIKE = ["city bike", "mountain bike", "road bike", "folding bike", "kids bike", "cargo bike", "e-bike", "gravel bike", "tandem", "trailer"]
PART = ["chain", "front wheel", "rear brake", "saddle", "gear lever", "pedal", "battery", "headlight", "inner tube", "derailleur"]
NAME = ["Ada", "Ben", "Chloe", "Dinesh", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kim", "Lena"]
OPEN = ["Hello,", "Hi there,", "Good morning,", "Dear team,", "", "", "Hey,", "To whom it may concern,"]
END = ["Thanks, {n}", "Best, {n}", "Regards, {n}", "", "Cheers, {n}", "Please answer soon. {n}"]
TEXT = {
    "order": ["I would like to order a {b} with a spare {p}.", "Where is my order of the {b}? The tracking page shows nothing.",
              "Can I still change the delivery address for the {b} I bought yesterday?", "Please add a {p} to my basket and ship it with the {b}.",
              "When will the {b} be back in stock, and may I reserve one?", "The invoice for my {b} has the wrong company name."],
    "repair": ["The {p} of my {b} broke and needs fixing.", "My {b} makes a grinding noise near the {p}; can your workshop look at it?",
               "I need an appointment for a service, the {p} is loose.", "The {p} stopped working after the rain, what would mending it cost?",
               "Could you replace the {p} on a {b} this week?", "Since the last inspection the {p} of the {b} squeaks."],
    "return": ["I want to send the {b} back and get my money back.", "The {p} does not fit, how do I return it?",
               "Please refund the {b}, it arrived with scratches.", "You sent a {p} instead of a {b}; I would like to exchange it.",
               "I changed my mind about the {b} within the fourteen days.", "The refund for the {p} has not reached my account."],
    "advice": ["Which {b} would you recommend for someone who is 1.60 m tall?", "Is a {p} from another brand compatible with the {b}?",
               "What is the difference between the {b} and the e-bike for commuting?", "How often should I oil the {p}?",
               "Does a child seat go together with the {b}?", "I wonder what tyre pressure suits a {b} on gravel."],
    "praise": ["I just wanted to say that the {b} is wonderful.", "Great service, the {p} was swapped in ten minutes!",
               "Your mechanic was so kind to my daughter, thank you.", "Best bicycle shop in town, the {b} rides like a dream.",
               "We love our {b}, five stars from the whole family.", "What a lovely surprise to find a free {p} in the parcel."],
}
items = []
for i in range(520):
    topic = random.choice(list(TEXT))
    fill = {"b": random.choice(BIKE), "p": random.choice(PART), "n": random.choice(NAME)}
    body = random.choice(TEXT[topic])
    if random.random() < 0.35:  # a second sentence, sometimes of another topic: what makes people disagree
        body += " " + random.choice(TEXT[topic if random.random() < 0.7 else random.choice(list(TEXT))])
    text = " ".join(x for x in [random.choice(OPEN), body, random.choice(END)] if x).format(**fill)
    items.append({"id": f"m{i:03}", "text": text, "topic": topic, "thread": f"t{i // 2:03}"})
for k in range(20):  # the same message sent twice, with other spacing; and with one word more
    a = dict(random.choice(items), id=f"again{k:02}")
    a["text"] = a["text"].replace(" ", "  ") if k % 2 else a["text"] + " Thank you very much indeed for your time."
    items.append(a)
items.append({"id": "quote", "text": 'A "quoted" return, with a comma, a \t tab and a \\ backslash. Please refund it.', "topic": "return", "thread": "t900"})
items.append({"id": "utf8", "text": "Größe M für das Rad? 自転車 🚲 Which size would you recommend?", "topic": "advice", "thread": "t901"})
with open("items.jsonl", "w", encoding="utf-8") as f:
    for item in items:
        f.write(json.dumps(item, ensure_ascii=False) + "\n")
