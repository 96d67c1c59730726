"""SPDX licence expressions, as far as crates use them."""

from __future__ import annotations

import re


def permitted(expression: str, allowed: set[str]) -> bool:
    """Tells whether `expression` can be fulfilled with `allowed` licences alone.

    `/` is an old spelling of OR. A licence with an exception grants more than the licence, so the licence decides.
    """
    tokens = re.findall(r"\(|\)|[\w.+-]+", expression.replace("/", " OR "))
    result, rest = _either(tokens, allowed)
    if rest:
        raise ValueError(f"cannot read licence expression {expression!r}")
    return result


def _either(tokens: list[str], allowed: set[str]) -> tuple[bool, list[str]]:
    result, tokens = _both(tokens, allowed)
    while tokens[:1] == ["OR"]:
        other, tokens = _both(tokens[1:], allowed)
        result = result or other
    return result, tokens


def _both(tokens: list[str], allowed: set[str]) -> tuple[bool, list[str]]:
    result, tokens = _one(tokens, allowed)
    while tokens[:1] == ["AND"]:
        other, tokens = _one(tokens[1:], allowed)
        result = result and other
    return result, tokens


def _one(tokens: list[str], allowed: set[str]) -> tuple[bool, list[str]]:
    if tokens[:1] == ["("]:
        result, tokens = _either(tokens[1:], allowed)
        if tokens[:1] != [")"]:
            raise ValueError("a parenthesis is not closed")
        return result, tokens[1:]
    if not tokens or tokens[0] in (")", "AND", "OR", "WITH"):
        raise ValueError("a licence name is missing")
    result, tokens = tokens[0] in allowed, tokens[1:]
    if tokens[:1] == ["WITH"]:
        tokens = tokens[2:]
    return result, tokens
