"""The judge itself: whatever is not as expected must show up as a problem."""

from __future__ import annotations

import sys
import unittest
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from engines import Kosoku, Wstest  # noqa: E402
from verdict import Case, Expected, agree, judge, table, worse  # noqa: E402

OK = Case("OK", "OK", 1000)
INFORMATIONAL = Case("INFORMATIONAL", "INFORMATIONAL", 1002)
EXPECTED = Expected(
    {"messages": ["kosoku"]},
    {},
    {"1": 2, "7": 2},
    {"1": "framing", "7": "closing"},
    {"7.9": {"note": "left open", "close_code": 1002}},
)
GOOD = {"1.1.1": OK, "1.1.10": OK, "7.1.1": OK, "7.9": INFORMATIONAL}


class Deflate(unittest.TestCase):
    EXPECTED = replace(EXPECTED, deflate={"blocks": {"12.1": 3, "13.2": 2}, "always": [1, 2]})

    def test_cases_that_always_run_are_those_that_are_listed(self):
        self.assertEqual(self.EXPECTED.deflate_cases(False), ["12.1.1", "12.1.2", "13.2.1", "13.2.2"])

    def test_all_cases_are_all_of_each_block(self):
        self.assertEqual(self.EXPECTED.deflate_cases(True), ["12.1.1", "12.1.2", "12.1.3", "13.2.1", "13.2.2"])

    def test_case_that_is_missing_or_not_implemented_is_a_problem(self):
        cases = self.EXPECTED.deflate_cases(True)
        wanted = self.EXPECTED.of_deflate(cases)
        self.assertEqual(judge(dict.fromkeys(cases, OK), wanted).problems, [])
        self.assertEqual(len(judge(dict.fromkeys(cases[1:], OK), wanted).problems), 1)
        unimplemented = dict.fromkeys(cases, OK) | {"13.2.1": replace(OK, behavior="UNIMPLEMENTED")}
        self.assertEqual(len(judge(unimplemented, wanted).problems), 1)


class Judge(unittest.TestCase):
    def problems(self, **changes: Case | None) -> list[str]:
        cases = dict(GOOD)
        for name, case in changes.items():
            name = name.removeprefix("case_").replace("_", ".")
            if case is None:
                del cases[name]
            else:
                cases[name] = case
        return judge(cases, EXPECTED).problems

    def test_expected_verdicts_pass(self):
        verdict = judge(GOOD, EXPECTED)
        self.assertEqual(verdict.problems, [])
        self.assertEqual(verdict.passed, len(GOOD) + len(EXPECTED.sections) + 1)

    def test_every_other_behavior_is_a_problem(self):
        for behavior in ("NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED", "ERROR", ""):
            with self.subTest(behavior):
                self.assertEqual(len(self.problems(case_1_1_1=replace(OK, behavior=behavior))), 1)

    def test_every_other_close_is_a_problem(self):
        for close in ("INFORMATIONAL", "FAILED", "WRONG CODE", "UNCLEAN", "FAILED BY CLIENT"):
            with self.subTest(close):
                self.assertEqual(len(self.problems(case_1_1_1=replace(OK, behavior_close=close))), 1)

    def test_informational_case_with_another_code_is_a_problem(self):
        self.assertEqual(len(self.problems(case_7_9=replace(INFORMATIONAL, close_code=1000))), 1)

    def test_informational_case_that_failed_is_a_problem(self):
        self.assertEqual(len(self.problems(case_7_9=replace(INFORMATIONAL, behavior="FAILED"))), 1)
        self.assertEqual(len(self.problems(case_7_9=replace(INFORMATIONAL, behavior_close="UNCLEAN"))), 1)

    def test_missing_case_is_a_problem(self):
        self.assertEqual(self.problems(case_1_1_10=None), ["section 1: 1 cases ran, expected 2"])

    def test_section_nobody_asked_for_is_a_problem(self):
        self.assertEqual(self.problems(case_12_1_1=OK), ["sections that were not asked for: 12"])

    def test_no_cases_at_all_is_a_problem(self):
        self.assertEqual(len(judge({}, EXPECTED).problems), 2)


class Agree(unittest.TestCase):
    def test_same_verdicts_agree(self):
        self.assertEqual(agree({"a": GOOD, "b": dict(GOOD)}).problems, [])

    def test_another_verdict_is_a_problem(self):
        other = {**GOOD, "1.1.1": replace(OK, behavior="NON-STRICT")}
        self.assertEqual(len(agree({"a": GOOD, "b": other}).problems), 1)

    def test_case_that_one_engine_did_not_run_is_a_problem(self):
        other = {name: case for name, case in GOOD.items() if name != "7.1.1"}
        self.assertEqual(len(agree({"a": GOOD, "b": other}).problems), 1)


class Table(unittest.TestCase):
    def test_fault_in_closing_counts_as_failed(self):
        self.assertEqual(worse(replace(OK, behavior_close="UNCLEAN")), "FAILED")
        self.assertEqual(worse(replace(OK, behavior="NON-STRICT")), "NON-STRICT")
        self.assertEqual(worse(OK), "OK")

    def test_section_1_does_not_count_section_10(self):
        rows = table({**GOOD, "10.1.1": OK}, EXPECTED).splitlines()
        self.assertEqual(rows[1].split()[:3], ["1", "framing", "2"])


class File(unittest.TestCase):
    def test_expected_toml_covers_301_cases(self):
        expected = Expected.load(HERE / "expected.toml")
        self.assertEqual(expected.total, 301)
        deflate = expected.of_deflate(expected.deflate_cases(True))
        self.assertEqual(deflate.total, 216)
        self.assertEqual(expected.titles.keys(), expected.sections.keys() | deflate.sections.keys())
        self.assertTrue(all(entry["note"] for entry in expected.informational.values()))

    def test_expected_toml_runs_every_style_with_engines_there_are(self):
        expected = Expected.load(HERE / "expected.toml")
        styles = expected.styles
        self.assertEqual(styles.keys(), {"messages", "stream", "borrowed"})
        self.assertEqual(set(styles["messages"]), {Kosoku.name, Wstest.name})
        self.assertTrue(all(names and set(names) <= set(styles["messages"]) for names in styles.values()))
        self.assertLessEqual(expected.relayed.keys(), styles.keys() - {"messages"})


if __name__ == "__main__":
    unittest.main()
