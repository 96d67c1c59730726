#!/usr/bin/env python3
"""Checks that every relative link in the repository's Markdown leads to a file, and every anchor to a heading."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s<>]+)>?(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s+<?(\S+?)>?\s*$", re.M)


def prose(text: str) -> str:
    """The text without code, in which a bracket is no link."""
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    found: dict[str, int] = {}
    result = set()
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S), re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        result.add(f"{slug}-{found[slug]}" if slug in found else slug)
        found[slug] = found.get(slug, 0) + 1
    return result


def problems(page: Path) -> list[str]:
    text = page.read_text("utf-8")
    found = []
    for inline, reference in LINK.findall(prose(text)):
        link = inline or reference
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if ROOT not in (target, *target.parents):
            found.append(f"{link} leads out of the repository")
        elif not target.exists():
            found.append(f"{link} leads nowhere")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text("utf-8")):
            found.append(f"{link}: no such heading")
    return found


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout.splitlines()
    failed = 0
    for name in listed:
        if not (ROOT / name).exists():
            continue
        for problem in problems(ROOT / name):
            failed += 1
            print(f"{name}: {problem}")
    print(f"{len(listed)} pages, {failed} links that do not work")
    return 1 if failed or not listed else 0


if __name__ == "__main__":
    sys.exit(main())
