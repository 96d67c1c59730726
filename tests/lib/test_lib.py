"""The helpers that decide what passes: licence expressions, versions, the dependency checks, bounded processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import supply_chain  # noqa: E402
from normative import sentences  # noqa: E402
from process import Child, Ended  # noqa: E402
from spdx import permitted  # noqa: E402
from supply_chain import Package  # noqa: E402
from versions import Requirement, Version  # noqa: E402

ALLOWED = {"MIT", "Apache-2.0", "ISC"}


class Sentences(unittest.TestCase):
    def test_those_that_demand_are_numbered_within_their_section(self):
        text = (
            "   Table of Contents\n\n   1. First .... 1\n\n1.  First\n\n   A client MUST wait.  It need not\n   hurry: a server MAY, "
            "and\n\nAuthor   Standards Track   [Page 1]\n\f\nRFC 1   Title   2011\n\n   SHOULD NOT wait.  It must not.\n\n"
            "1.1.  Second\n\n   It is RECOMMENDED.\n\n2.  References\n\n   All of this is REQUIRED.\n"
        )
        found = [(number, words) for number, words, _ in sentences(text)]
        self.assertEqual(found, [("1-1", ["MUST"]), ("1-2", ["MAY", "SHOULD NOT"]), ("1.1-1", ["RECOMMENDED"])])


class Licences(unittest.TestCase):
    def test_expressions(self):
        for expression, good in {
            "MIT": True,
            "GPL-3.0": False,
            "MIT OR GPL-3.0": True,
            "MIT/GPL-3.0": True,
            "MIT AND GPL-3.0": False,
            "(MIT OR GPL-3.0) AND ISC": True,
            "GPL-3.0 OR MIT AND ISC": True,
            "GPL-3.0 AND MIT OR BSL-1.0": False,
            "Apache-2.0 WITH LLVM-exception": True,
            "GPL-2.0 WITH Classpath-exception-2.0": False,
        }.items():
            with self.subTest(expression):
                self.assertEqual(permitted(expression, ALLOWED), good)

    def test_what_cannot_be_read_is_an_error(self):
        for expression in ("", "MIT OR", "(MIT", "MIT ISC", "AND MIT"):
            with self.subTest(expression), self.assertRaises(ValueError):
                permitted(expression, ALLOWED)


class Versions(unittest.TestCase):
    def test_requirements(self):
        for requirement, inside, outside in (
            ("1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
            ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0"),
            ("^0.0.3", "0.0.3", "0.0.2 0.0.4"),
            ("0.4", "0.4.0 0.4.20", "0.5.0"),
            ("~1.2.3", "1.2.9", "1.3.0"),
            ("1.2.*", "1.2.0 1.2.9", "1.3.0"),
            ("*", "0.0.0 9.9.9", ""),
            ("=1.2.3", "1.2.3", "1.2.4"),
            ("<1.11.1", "1.11.0 0.1.0", "1.11.1"),
            ("> 1.2", "1.3.0", "1.2.9 1.2.0"),
            ("<= 1.2", "1.2.9", "1.3.0"),
            (">=0.9.0, <0.9.3", "0.9.2", "0.8.9 0.9.3"),
        ):
            parsed = Requirement.parse(requirement)
            with self.subTest(requirement):
                self.assertTrue(all(parsed.matches(Version.parse(text)) for text in inside.split()))
                self.assertFalse(any(parsed.matches(Version.parse(text)) for text in outside.split()))

    def test_order(self):
        ordered = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1", "1.10.0"]
        self.assertEqual([str(each) for each in sorted(map(Version.parse, reversed(ordered)))], ordered)

    def test_lowest(self):
        self.assertEqual(str(Requirement.parse("^1.11.1").lowest()), "1.11.1")
        self.assertEqual(str(Requirement.parse("1").lowest()), "1.0.0")
        self.assertEqual(str(Requirement.parse("*").lowest()), "0.0.0")


class Checks(unittest.TestCase):
    CONFIG = {
        "licenses": {"allow": ["MIT"]},
        "bans": {"skip": [{"crate": "old@0.1.0", "reason": "so"}], "deny": [{"crate": "bad:<1.2", "reason": "so"}]},
        "sources": {"allow-registry": ["https://registry"]},
        "advisories": {"ignore": []},
    }

    @staticmethod
    def package(name: str, version: str, **fields: object) -> Package:
        defaults = {"license": "MIT", "rust_version": None, "source": "registry+https://registry", "published": True}
        return Package(f"{name}{version}", name, Version.parse(version), dependencies=(), **{**defaults, **fields})

    def ours(self, **dependency: object) -> Package:
        each = self.package("ours", "0.1.0", source=None, rust_version="1.85")
        return Package(**{**vars(each), "dependencies": (dependency,) if dependency else ()})

    def problems(self, check, *packages: Package) -> int:
        return len(list(check(self.CONFIG, set(packages))))

    def test_licence_that_is_not_allowed(self):
        self.assertEqual(self.problems(supply_chain.licences, self.package("a", "1.0.0")), 0)
        self.assertEqual(self.problems(supply_chain.licences, self.package("a", "1.0.0", license="GPL-3.0")), 1)
        self.assertEqual(self.problems(supply_chain.licences, self.package("a", "1.0.0", license=None)), 1)

    def test_source_that_is_not_allowed(self):
        self.assertEqual(self.problems(supply_chain.sources, self.package("a", "1.0.0")), 0)
        for source in ("git+https://registry", "registry+https://elsewhere"):
            self.assertEqual(self.problems(supply_chain.sources, self.package("a", "1.0.0", source=source)), 1)

    def test_two_versions_without_a_skip(self):
        old = self.package("old", "0.1.0"), self.package("old", "0.2.0")
        self.assertEqual(self.problems(supply_chain.duplicates, *old), 0)
        self.assertEqual(self.problems(supply_chain.duplicates, *old, self.package("old", "0.3.0")), 1)
        new = self.package("new", "0.1.0"), self.package("new", "0.2.0")
        self.assertEqual(self.problems(supply_chain.duplicates, *old, *new), 1)

    def test_skip_that_is_not_needed(self):
        self.assertEqual(self.problems(supply_chain.duplicates, self.package("old", "0.1.0")), 1)
        self.assertEqual(self.problems(supply_chain.duplicates, self.package("old", "0.2.0")), 1)

    def test_version_below_its_floor(self):
        self.assertEqual(self.problems(supply_chain.floors, self.package("bad", "1.2.0")), 0)
        self.assertEqual(self.problems(supply_chain.floors, self.package("bad", "1.1.9")), 1)

    def test_manifest_that_admits_a_version_below_its_floor(self):
        for requirement, problems in (("^1.2", 0), ("^1.1.9", 1), ("^1", 1)):
            dependency = {"name": "bad", "req": requirement, "kind": None}
            self.assertEqual(self.problems(supply_chain.floors, self.ours(**dependency)), problems, requirement)

    def test_wildcard(self):
        for requirement, problems in (("^1.2", 0), ("*", 1)):
            dependency = {"name": "a", "req": requirement, "kind": None}
            self.assertEqual(self.problems(supply_chain.wildcards, self.ours(**dependency)), problems)

    def test_rust_version_above_ours(self):
        self.assertEqual(self.problems(supply_chain.rust_versions, self.ours(), self.package("a", "1.0.0", rust_version="1.85.0")), 0)
        self.assertEqual(self.problems(supply_chain.rust_versions, self.ours(), self.package("a", "1.0.0", rust_version="1.86")), 1)

    def test_rust_version_of_an_optional_feature(self):
        def admits(name: str, **dependency: object) -> Package:
            return Package(**{**vars(self.ours(name="a", **dependency)), "newer_rust": {name: "1.89"}})

        check = supply_chain.rust_versions
        for version, problems in (("1.89.0", 0), ("1.90", 1)):
            new = self.package("a", "1.0.0", rust_version=version)
            self.assertEqual(self.problems(check, admits("a", optional=True), new), problems, version)
        self.assertEqual(self.problems(check, admits("a", optional=False), self.package("a", "1.0.0", rust_version="1.89")), 1)
        self.assertEqual(self.problems(check, admits("gone", optional=True)), 1)

    def test_advisory(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "crates/a/RUSTSEC-1.md"
            path.parent.mkdir(parents=True)
            path.write_text('```toml\n[advisory]\nid = "RUSTSEC-1"\n[versions]\npatched = [">= 1.1"]\nunaffected = ["< 0.5"]\n```\n')
            for version, problems in (("1.0.0", 1), ("1.1.0", 0), ("0.4.0", 0), ("0.5.0", 1)):
                for ignore, count in (([], problems), ([{"id": "RUSTSEC-1", "reason": "so"}], 1 - problems)):
                    config = {"advisories": {"ignore": ignore}}
                    found = list(supply_chain.advisories(config, {self.package("a", version)}, Path(directory)))
                    self.assertEqual(len(found), count, version)

    def test_key_that_is_not_known(self):
        config = {"bans": {"multiple-versions": "warn", "surprise": 1, "wildcards": "deny"}, "graph": {"all-features": True, "exclude-unpublished": True}}
        config["sources"] = {"unknown-registry": "deny", "unknown-git": "deny"}
        self.assertEqual(len(list(supply_chain.unknown_keys(config))), 2)


class Counting(unittest.TestCase):
    """count_tests of common.sh, on the closing lines of every runner that is in use."""

    def count(self, text: str) -> list[int]:
        script = 'root=$1; source "$1/tests/lib/common.sh"; count_tests'
        with tempfile.TemporaryDirectory() as directory:
            args = ["bash", "-c", script, "bash", str(HERE.parents[1])]
            env = {**os.environ, "CARGO_TARGET_DIR": directory}
            run = subprocess.run(args, input=text, env=env, check=True, stdout=subprocess.PIPE, encoding="utf-8")
        return [int(word) for word in run.stdout.split()]

    def test_closing_lines(self):
        for text, counts in {
            "     Summary [   1.2s] 30 tests run: 27 passed (1 slow), 2 failed, 1 timed out, 3 skipped": [27, 3, 3],
            "     Summary [   0.1s] 1 test run: 1 passed, 0 skipped": [1, 0, 0],
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured\ntest result: FAILED. 3 passed; 2 failed; 0 ignored": [8, 2, 1],
            "Ran 18 tests in 0.1s\n\nOK": [18, 0, 0],
            "Ran 18 tests in 0.1s\n\nFAILED (failures=1, errors=2)": [15, 3, 0],
            "# tests 7\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1": [3, 2, 2],
            "5 passed, 1 failed elsewhere\n4 passed, 1 failed, 2 skipped": [4, 1, 2],
            "error: could not compile": [0, 0, 0],
        }.items():
            with self.subTest(text):
                self.assertEqual(self.count(text + "\n"), counts)


class Processes(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.log = Path(self.directory.name) / "log"

    def test_silence_is_bounded(self):
        with Child(["sleep", "60"], self.log) as child:
            began = time.monotonic()
            self.assertRaises(Ended, child.line, 0.1)
            self.assertLess(time.monotonic() - began, 5)

    def test_end_is_noticed(self):
        with Child(["sh", "-c", "echo one; exit 3"], self.log) as child:
            self.assertEqual(child.line(5), "one")
            with self.assertRaisesRegex(Ended, "status 3"):
                child.line(5)

    def test_children_of_a_child_end_too(self):
        with Child(["sh", "-c", "sleep 60 & echo $!; wait"], self.log) as child:
            grandchild = int(child.line(5))
        status = Path(f"/proc/{grandchild}/stat")
        deadline = time.monotonic() + 5
        while status.exists() and status.read_text().split()[2] != "Z" and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertTrue(not status.exists() or status.read_text().split()[2] == "Z")


if __name__ == "__main__":
    unittest.main()
