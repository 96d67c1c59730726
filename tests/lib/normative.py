#!/usr/bin/env python3
"""Lists the sentences of an RFC that hold a word of RFC 2119.

    tests/lib/normative.py rfc6455.txt > tests/data/rfc/rfc6455.txt

A line is the number of a sentence and the words in it. The number is the section and a count within it, from 1, of such
sentences. With `--text` the sentence itself follows, to read while the pages in docs/reference are written. The text of the
RFC is not part of this repository: https://www.rfc-editor.org/rfc/rfc6455.txt.
"""

import argparse
import re
import sys
from collections import Counter

PAGE_BREAK = re.compile(r"\n+[^\n]*\[Page \d+\]\n\f?\n*RFC \d+ [^\n]*\n+")
HEADING = re.compile(r"^(?:#+ )?(\d+(?:\.\d+)*)\.\s+\S")
APPENDIX = re.compile(r"^(?:#+ )?(?:Acknowledge?ments|\d+\.\s+.*References)")
WORDS = r"(?:MUST(?: NOT)?|SHALL(?: NOT)?|SHOULD(?: NOT)?|REQUIRED|(?:NOT )?RECOMMENDED|MAY|OPTIONAL)"
# A sentence begins with a capital, a bracket, a quote or a word that the RFC marks.
END = re.compile(r"(?<=[.:;])\s+(?=[A-Z_(|\"])")


def sentences(text):
    """Yields (number, words, sentence)."""
    text = PAGE_BREAK.sub(lambda found: "\n\n" if text[found.start() - 1] in ".:" else "\n", text)
    section, counts = "", Counter()
    for paragraph in re.split(r"\n\s*\n", text):
        first = paragraph.strip("\n").split("\n")[0]
        if APPENDIX.match(first) and section:
            break
        heading = HEADING.match(first)
        if heading and "...." not in first:
            section = heading.group(1)
        for sentence in END.split(" ".join(paragraph.split())):
            words = re.findall(rf"\b{WORDS}\b", sentence)
            if words and section:
                counts[section] += 1
                yield f"{section}-{counts[section]}", words, sentence


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rfc")
    parser.add_argument("--text", action="store_true", help="print the sentences, too")
    args = parser.parse_args()
    print("# The sentences with a word of RFC 2119, by tests/lib/normative.py: section and count within it, words.")
    with open(args.rfc, encoding="utf-8") as file:
        for number, words, sentence in sentences(file.read()):
            print(number, *words, *([sentence] if args.text else []))


if __name__ == "__main__":
    sys.exit(main())
