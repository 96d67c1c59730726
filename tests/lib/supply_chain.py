#!/usr/bin/env python3
"""Checks what the workspace depends on: deny.toml's licences, bans and sources, rust-version, and known advisories.

Reads `cargo metadata` and nothing else, so it needs no tool that takes ten minutes to build. The keys of deny.toml it
knows mean what they mean to cargo-deny; an unknown one is an error, so that nothing is left out silently.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python before 3.11
    import tomli as tomllib

sys.path.insert(0, str(Path(__file__).resolve().parent))
from spdx import permitted  # noqa: E402
from versions import Requirement, Version  # noqa: E402

KNOWN = {
    "graph": {"targets", "all-features", "exclude-unpublished"},
    "advisories": {"ignore"},
    "licenses": {"allow", "unused-allowed-license", "confidence-threshold"},
    "bans": {"multiple-versions", "wildcards", "skip", "deny"},
    "sources": {"unknown-registry", "unknown-git", "allow-registry", "allow-git"},
}


@dataclass(frozen=True)
class Package:
    """One package of the graph."""

    id: str
    name: str
    version: Version
    license: str | None
    rust_version: str | None
    source: str | None
    published: bool
    dependencies: tuple[dict, ...] = field(compare=False, hash=False)
    # `[package.metadata.newer-rust]`: dependencies of optional features, and the Rust that these need.
    newer_rust: dict[str, str] = field(default_factory=dict, compare=False, hash=False)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Graph:
    """The packages of the workspace, resolved for one platform or, without one, for all."""

    def __init__(self, root: Path, target: str | None):
        args = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
        if target:
            args += ["--filter-platform", target]
        data = json.loads(subprocess.run(args, cwd=root, check=True, stdout=subprocess.PIPE).stdout)
        self.packages = {entry["id"]: package(entry) for entry in data["packages"]}
        self.members = [self.packages[id] for id in data["workspace_members"]]
        self.edges = {node["id"]: node["deps"] for node in data["resolve"]["nodes"]}

    def shipped(self) -> set[Package]:
        """What comes along with a published crate: its dependencies and theirs, but not what tests need."""
        found: set[str] = set()
        pending = [member.id for member in self.members if member.published]
        while pending:
            id = pending.pop()
            if id not in found:
                found.add(id)
                kinds = ((dep["pkg"], [kind["kind"] for kind in dep["dep_kinds"]]) for dep in self.edges[id])
                pending += [pkg for pkg, kinds in kinds if any(kind in (None, "build") for kind in kinds)]
        return {self.packages[id] for id in found}


def package(entry: dict) -> Package:
    return Package(
        entry["id"],
        entry["name"],
        Version.parse(entry["version"]),
        entry["license"],
        entry["rust_version"],
        entry["source"],
        entry["publish"] != [],
        tuple(entry["dependencies"]),
        (entry["metadata"] or {}).get("newer-rust", {}),
    )


def spec(entry: str | dict) -> tuple[str, Requirement, str]:
    """Reads a package spec: `name`, `name@exact` or `name:requirement`, and the reason beside it."""
    text, reason = (entry, "") if isinstance(entry, str) else (entry["crate"], entry.get("reason", ""))
    name, separator, rest = re.fullmatch(r"([\w-]+)(?:([@:])(.+))?", text).groups()
    return name, Requirement.parse({None: "*", "@": f"={rest}", ":": rest}[separator]), reason


Problems = Iterator[str]


def licences(config: dict, packages: set[Package]) -> Problems:
    """every licence is one that deny.toml allows"""
    allowed = set(config["licenses"]["allow"])
    for each in packages:
        if each.license is None:
            yield f"{each} names no licence"
        elif not permitted(each.license, allowed):
            yield f"{each} is under {each.license!r}"


def sources(config: dict, packages: set[Package]) -> Problems:
    """every package comes from a registry that deny.toml allows, none from git"""
    allowed = config["sources"]["allow-registry"]
    for each in packages:
        if each.source is not None and each.source.removeprefix("registry+") not in allowed:
            yield f"{each} comes from {each.source}"


def duplicates(config: dict, packages: set[Package]) -> Problems:
    """no crate is there in two versions, but those with a reason beside them"""
    skips = [spec(entry) for entry in config["bans"]["skip"]]
    for name, _, reason in skips:
        if not reason:
            yield f"skip of {name} gives no reason"
    unused = set(range(len(skips)))
    versions: dict[str, set[Version]] = {}
    for each in packages:
        versions.setdefault(each.name, set()).add(each.version)
    for name, seen in sorted(versions.items()):
        kept = set(seen)
        for index, (skipped, requirement, _) in enumerate(skips):
            matching = {version for version in seen if skipped == name and requirement.matches(version)}
            if matching and len(seen) > 1:
                unused.discard(index)
                kept -= matching
        if len(kept) > 1:
            yield f"{name} is there in {len(kept)} versions: {', '.join(map(str, sorted(kept)))}"
    for index in sorted(unused):
        yield f"skip of {skips[index][0]} {skips[index][1]} is not needed any more"


def floors(config: dict, packages: set[Package]) -> Problems:
    """no version that deny.toml bans is in the graph, nor admitted by a published crate's manifest"""
    for name, banned, reason in map(spec, config["bans"]["deny"]):
        for each in packages:
            if each.name == name and banned.matches(each.version):
                yield f"{each} is banned ({banned}): {reason}"
            for dependency in each.dependencies if each.source is None and each.published else ():
                lowest = Requirement.parse(dependency["req"]).lowest()
                if dependency["name"] == name and dependency["kind"] != "dev" and banned.matches(lowest):
                    yield f"{each.name} asks for {name} {dependency['req']}, which admits {lowest} ({reason})"


def wildcards(config: dict, packages: set[Package]) -> Problems:
    """no member depends on any version whatever"""
    for each in packages:
        for dependency in each.dependencies if each.source is None and each.published else ():
            # A dev-dependency by path alone is dropped when the crate is published.
            if dependency["req"] == "*" and not (dependency["kind"] == "dev" and dependency.get("path")):
                yield f"{each.name} asks for any {dependency['name']}"


def rust_versions(_config: dict, packages: set[Package]) -> Problems:
    """nothing that ships needs a newer Rust than the crate that ships it, but what an optional feature is said to need"""
    members = [each for each in packages if each.source is None]
    ours = min(Version.parse(each.rust_version) for each in members if each.rust_version)
    newer = {name: Version.parse(rust) for each in members for name, rust in each.newer_rust.items()}
    for each in packages:
        if each.source is None and not each.rust_version:
            yield f"{each.name} has no rust-version"
        elif each.rust_version and Version.parse(each.rust_version) > newer.get(each.name, ours):
            yield f"{each} needs Rust {each.rust_version}, the workspace promises {ours}"
    for name in newer.keys() - {each.name for each in packages}:
        yield f"a newer Rust is admitted for {name}, which is not there"
    for each in members:
        for dependency in each.dependencies:
            if dependency["name"] in each.newer_rust and not dependency.get("optional"):
                yield f"{each} admits a newer Rust for {dependency['name']}, which is not optional"


def advisories(config: dict, packages: set[Package], database: Path) -> Problems:
    """no package has an advisory in the database, but those that deny.toml ignores with a reason"""
    ignored = {entry["id"]: entry.get("reason") for entry in config["advisories"]["ignore"]}
    seen = set()
    for each in sorted(packages, key=str):
        for path in sorted((database / "crates" / each.name).glob("*.md")):
            head = path.read_text("utf-8").split("```toml", 1)[1].split("```", 1)[0]
            advisory = tomllib.loads(head)
            versions = advisory["versions"]
            safe = [*versions.get("patched", []), *versions.get("unaffected", [])]
            kind = advisory["advisory"].get("informational")
            if advisory["advisory"].get("withdrawn") or kind in ("unmaintained", "notice"):
                continue
            id = advisory["advisory"]["id"]
            if not any(Requirement.parse(text).matches(each.version) for text in safe):
                seen.add(id)
                if not ignored.get(id):
                    yield f"{each}: {id}"
    for id in ignored.keys() - seen:
        yield f"{id} is ignored, but nothing has it any more"


def unknown_keys(config: dict) -> Problems:
    """deny.toml has no key that this check would pass over"""
    for section, keys in config.items():
        for key in set(keys) - KNOWN.get(section, set()):
            yield f"[{section}] {key}"
    for section, key in (("sources", "unknown-registry"), ("sources", "unknown-git"), ("bans", "multiple-versions"), ("bans", "wildcards")):
        if config[section].get(key) != "deny":
            yield f"[{section}] {key} is not \"deny\""
    if config["sources"].get("allow-git"):
        yield "[sources] allow-git is not empty"
    if not config["graph"].get("all-features") or not config["graph"].get("exclude-unpublished"):
        yield "[graph] this check looks at all features of what is published"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--advisories", type=Path, metavar="DIR", help="a copy of the RustSec database")
    args = parser.parse_args()
    config = tomllib.loads((args.root / "deny.toml").read_text("utf-8"))
    everything = Graph(args.root, None)
    shipped = set().union(*(Graph(args.root, target).shipped() for target in config["graph"]["targets"]))
    foreign = sum(each.source is not None for each in shipped)
    print(f"{foreign} packages come with the published crates, {len(everything.packages)} are locked in all")
    if args.advisories and not (args.advisories / "crates").is_dir():
        parser.error(f"{args.advisories} holds no crates/")
    passed = failed = 0
    checks = [(check, check(config, shipped)) for check in (licences, duplicates, floors, wildcards, rust_versions)]
    checks.append((sources, sources(config, set(everything.packages.values()))))
    checks.append((unknown_keys, unknown_keys(config)))
    if args.advisories:
        checks.append((advisories, advisories(config, set(everything.packages.values()), args.advisories)))
    for check, result in checks:
        problems = sorted(result)
        print(f"  {'ok  ' if not problems else 'FAIL'} {check.__doc__}")
        for problem in problems:
            print(f"         {problem}")
        passed, failed = (passed, failed + 1) if problems else (passed + 1, failed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
