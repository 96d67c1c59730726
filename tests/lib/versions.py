"""Versions and version requirements as Cargo means them (semver.org, The Cargo Book: specifying dependencies)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering


@total_ordering
@dataclass(frozen=True)
class Version:
    """A version; build metadata is dropped, for it takes no part in the order."""

    numbers: tuple[int, int, int]
    pre: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Reads a whole version, or one with parts missing at its end, which count as 0."""
        core, _, pre = text.strip().partition("+")[0].partition("-")
        numbers = [int(part) for part in core.split(".")] + [0, 0]
        return cls(tuple(numbers[:3]), tuple(pre.split(".")) if pre else ())

    def _key(self) -> tuple:
        # A pre-release comes before its release; numbers come before words.
        pre = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre]
        return (self.numbers, not self.pre, pre)

    def __lt__(self, other: "Version") -> bool:
        return self._key() < other._key()

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers)) + ("-" + ".".join(self.pre) if self.pre else "")


@dataclass(frozen=True)
class Requirement:
    """Comparisons that must all hold. Pre-releases match where a plain comparison says so."""

    text: str
    bounds: tuple[tuple[str, Version], ...]

    @classmethod
    def parse(cls, text: str) -> "Requirement":
        bounds: list[tuple[str, Version]] = []
        for part in text.split(","):
            operator, version = re.fullmatch(r"\s*(<=|>=|<|>|=|\^|~)?\s*([\w.*+-]+)\s*", part).groups()
            bounds += cls._bounds(operator or "^", version)
        return cls(text.strip(), tuple(bounds))

    @staticmethod
    def _bounds(operator: str, text: str) -> list[tuple[str, Version]]:
        parts = text.split("-")[0].split("+")[0].split(".")
        given = [int(part) for part in parts if part not in ("*", "x", "X")]
        if not given:
            return []
        version = Version.parse(text) if len(given) == 3 else Version.parse(".".join(map(str, given)))
        if operator in ("<", ">="):
            return [(operator, version)]
        if operator == "=" and len(given) == 3:
            return [(">=", version), ("<=", version)]
        if operator == "~" or (operator == "=" or len(given) < len(parts)):
            upper = bump(given[:2])
        elif operator == "^":
            first = next((index for index, number in enumerate(given) if number), len(given) - 1)
            upper = bump(given[: first + 1])
        elif len(given) == 3:
            return [(operator, version)]
        else:  # `> 1.2` begins after all of 1.2, `<= 1.2` ends with it
            return [(">=" if operator == ">" else "<", bump(given))]
        return [(">=", version), ("<", upper)]

    def matches(self, version: Version) -> bool:
        holds = {"<": Version.__lt__, "<=": Version.__le__, ">": Version.__gt__, ">=": Version.__ge__}
        return all(holds[operator](version, bound) for operator, bound in self.bounds)

    def lowest(self) -> Version:
        """The lowest version that matches, as nearly as its bounds tell."""
        return max((bound for operator, bound in self.bounds if operator in (">=", ">")), default=Version((0, 0, 0)))

    def __str__(self) -> str:
        return self.text


def bump(parts: list[int]) -> Version:
    """The first version after all that begin with `parts`."""
    numbers = [*parts[:-1], parts[-1] + 1, 0, 0]
    return Version(tuple(numbers[:3]))
