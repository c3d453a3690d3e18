#!/usr/bin/env python3
"""Debian's package lists as a labeling job: make_items.py LISTS OUT.jsonl

LISTS is a folder of apt lists (Packages and Translation-en files, compressed or not). Each binary package of `main`
becomes one line of OUT: id and name (the package), text (short and long description), source (its source package: the
group, so that splits never tear siblings apart) and topic (its section folded into TOPICS: the held-back truth).
"""
import glob
import json
import os
import subprocess
import sys

TOPICS = {
    "library": "libs introspection",
    "library-dev": "libdevel",
    "documentation": "doc",
    "python": "python zope",
    "perl": "perl",
    "haskell-ocaml-lisp": "haskell ocaml lisp",
    "rust-go": "rust golang",
    "java-dotnet": "java cli-mono",
    "web-languages": "javascript ruby php",
    "devel-tools": "devel vcs interpreters editors",
    "science": "science math gnu-r electronics education hamradio",
    "games": "games",
    "media": "sound video graphics",
    "internet": "net web mail httpd comm news",
    "system": "admin utils kernel shells database",
    "desktop": "gnome kde x11 xfce gnustep",
    "text-fonts": "text tex fonts localization",
}  # without a topic: metapackages, tasks, debug, oldlibs, misc, embedded, otherosfs
TOPIC_OF = {section: topic for topic, sections in TOPICS.items() for section in sections.split()}
APT_HELPER = "/usr/lib/apt/apt-helper"


def read_list(path):
    """Text of an apt list, whatever its compression."""
    if not os.path.splitext(path)[1] in (".lz4", ".xz", ".gz", ".bz2", ".zst"):
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    done = subprocess.run([APT_HELPER, "cat-file", path], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8", "replace")


def stanzas(path):
    """Each paragraph as {field: value}; continuation lines stay joined by line breaks."""
    for paragraph in read_list(path).split("\n\n"):
        fields, name = {}, None
        for line in paragraph.split("\n"):
            if line[:1] in (" ", "\t"):
                if name:
                    fields[name] += "\n" + line[1:]
            elif line:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        if fields:
            yield fields


def lists(folder, *patterns):
    """Matching files; the base release before updates and security, so that later ones win."""
    found = {path for pattern in patterns for path in glob.glob(os.path.join(folder, pattern))}
    return sorted(found, key=lambda path: ("-updates" in path or "-security" in path, path))


def flatten(description):
    """apt's layout as plain text: ' .' is an empty line, paragraphs become one line each."""
    short, _, long = description.partition("\n")
    paragraphs, now = [], []
    for line in long.split("\n"):
        if line.strip() == ".":
            paragraphs, now = paragraphs + [" ".join(now)], []
        else:
            now.append(line.strip())
    paragraphs.append(" ".join(now))
    return "\n".join(part for part in [short.strip()] + paragraphs if part)


def main(folder, out):
    long_of = {}
    for path in lists(folder, "*_main_i18n_Translation-en", "*_main_i18n_Translation-en.*"):
        for s in stanzas(path):
            if "Description-en" in s and "Description-md5" in s:
                long_of[s["Description-md5"]] = s["Description-en"]
    items = {}
    for path in lists(folder, "*_main_binary-*_Packages", "*_main_binary-*_Packages.*"):
        for s in stanzas(path):
            topic = TOPIC_OF.get(s.get("Section", "").split("/")[-1])
            if not topic or "Package" not in s:
                continue
            text = flatten(long_of.get(s.get("Description-md5"), s.get("Description", "")))
            if text:
                source = s.get("Source", s["Package"]).split(" ")[0]
                items[s["Package"]] = {"id": s["Package"], "text": text, "source": source, "name": s["Package"], "topic": topic}
    if not long_of or len(items) < 1000:
        print(f"make_items: {folder} holds {len(long_of)} descriptions and {len(items)} packages of main: not enough", file=sys.stderr)
        return 3
    with open(out + ".part", "w", encoding="utf-8") as f:
        for name in sorted(items):
            f.write(json.dumps(items[name], ensure_ascii=False) + "\n")
    os.replace(out + ".part", out)
    print(f"make_items: {len(items)} items of {len(TOPICS)} topics in {out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: make_items.py LISTS OUT.jsonl")
    sys.exit(main(sys.argv[1], sys.argv[2]))
