"""Judges Autobahn's index.json against expected.toml and prints what a reader needs of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python before 3.11
    import tomli as tomllib

COLUMNS = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED")


@dataclass(frozen=True)
class Expected:
    """expected.toml: the styles and their engines, how many cases each section has, and the informational ones."""

    styles: dict[str, list[str]]
    relayed: dict[str, str]
    sections: dict[str, int]
    titles: dict[str, str]
    informational: dict[str, dict]
    deflate: dict[str, object] = field(default_factory=dict)
    proxied: dict[str, dict] = field(default_factory=dict)
    non_strict: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> "Expected":
        data = tomllib.loads(path.read_text("utf-8"))
        return cls(**data)

    @property
    def patterns(self) -> list[str]:
        """The sections as both engines want them: `1.*`, `2.*`, ..."""
        return [f"{section}.*" for section in self.sections]

    def deflate_cases(self, everything: bool) -> list[str]:
        """The cases of permessage-deflate: those that always run, or all."""
        chosen = {block: range(1, count + 1) if everything else self.deflate["always"] for block, count in self.deflate["blocks"].items()}
        return [f"{block}.{number}" for block, numbers in chosen.items() for number in numbers]

    def through(self, mode: str) -> "Expected":
        """What a run through ws-proxy must give."""
        differs = self.proxied.get(mode, {})
        informational = {**self.informational, **differs.get("informational", {})}
        return replace(self, informational=informational, non_strict=differs.get("non_strict", []))

    def of_deflate(self, cases: list[str]) -> "Expected":
        """What a run of these cases must give: OK, each of them."""
        sections = [case.split(".")[0] for case in cases]
        return replace(self, sections={section: sections.count(section) for section in dict.fromkeys(sections)}, informational={})

    @property
    def total(self) -> int:
        return sum(self.sections.values())


@dataclass(frozen=True)
class Case:
    """The verdict of the suite on one case."""

    behavior: str
    behavior_close: str
    close_code: int | None
    why: str = ""


@dataclass
class Verdict:
    """The judgement of one run: what passed, and one line for everything that did not."""

    passed: int = 0
    problems: list[str] = field(default_factory=list)

    def check(self, good: bool, problem: str) -> None:
        if good:
            self.passed += 1
        else:
            self.problems.append(problem)


def read_report(out: Path) -> dict[str, Case]:
    """Reads index.json, and from each case's own report why it is not OK."""
    index = json.loads((out / "index.json").read_text("utf-8"))
    if len(index) != 1:
        raise ValueError(f"{out}/index.json has reports on {len(index)} agents, expected one")
    cases = {}
    for name, entry in next(iter(index.values())).items():
        why = ""
        if (entry["behavior"], entry["behaviorClose"]) != ("OK", "OK"):
            try:
                report = json.loads((out / entry["reportfile"]).read_bytes().decode("utf-8", "replace"))
                why = " ".join(f"{report.get('result')} {report.get('resultClose')}".split())
            except (OSError, ValueError) as error:
                why = f"no report: {error}"
        cases[name] = Case(entry["behavior"], entry["behaviorClose"], entry["remoteCloseCode"], why)
    return cases


def by_number(name: str) -> list[int]:
    return [int(part) for part in name.split(".")]


def judge(cases: dict[str, Case], expected: Expected) -> Verdict:
    """Demands OK of every case, of informational ones what their entry says, and the right number of cases."""
    verdict = Verdict()
    for name in sorted(cases, key=by_number):
        case = cases[name]
        entry = expected.informational.get(name)
        seen = f"{name}: {case.behavior}, close {case.behavior_close}, code {case.close_code}"
        if entry is None:
            allowed = ("OK", "NON-STRICT") if name in expected.non_strict else ("OK",)
            good = case.behavior in allowed and case.behavior_close == "OK"
            verdict.check(good, f"{seen}. {case.why}")
            continue
        good = case.behavior == "INFORMATIONAL" and case.behavior_close in ("INFORMATIONAL", "OK")
        wanted = entry.get("close_code")
        good = good and wanted in (None, case.close_code)
        verdict.check(good, f"{seen}; expected INFORMATIONAL{f' with close code {wanted}' if wanted else ''}. {case.why}")
    for section, wanted in expected.sections.items():
        ran = sum(1 for name in cases if name.split(".")[0] == section)
        verdict.check(ran == wanted, f"section {section}: {ran} cases ran, expected {wanted}")
    strangers = sorted({name.split(".")[0] for name in cases} - set(expected.sections))
    verdict.check(not strangers, f"sections that were not asked for: {', '.join(strangers)}")
    return verdict


def agree(reports: dict[str, dict[str, Case]]) -> Verdict:
    """Demands the same verdict on every case from every engine."""
    verdict = Verdict()
    names = set().union(*reports.values())
    for name in sorted(names, key=by_number):
        seen = {engine: (r[name].behavior, r[name].behavior_close) if name in r else None for engine, r in reports.items()}
        verdict.check(len(set(seen.values())) == 1, f"{name}: the engines disagree: {seen}")
    return verdict


def table(cases: dict[str, Case], expected: Expected) -> str:
    """One row a section: how many cases have which verdict."""
    head = f"  {'section':<24}{'cases':>6}" + "".join(f"{column:>15}" for column in COLUMNS)
    rows = [head]
    totals = dict.fromkeys(COLUMNS, 0)
    for section in expected.sections:
        mine = [case for name, case in cases.items() if name.split(".")[0] == section]
        counts = {column: sum(1 for case in mine if worse(case) == column) for column in COLUMNS}
        for column in COLUMNS:
            totals[column] += counts[column]
        title = f"{section:>2} {expected.titles.get(section, '')}"
        rows.append(f"  {title:<24}{len(mine):>6}" + "".join(f"{counts[column]:>15}" for column in COLUMNS))
    rows.append(f"  {'all':<24}{len(cases):>6}" + "".join(f"{totals[column]:>15}" for column in COLUMNS))
    return "\n".join(rows)


def worse(case: Case) -> str:
    """The column a case is counted in: the worse of its two verdicts; any fault in the closing counts as FAILED."""
    close = case.behavior_close if case.behavior_close in ("OK", "INFORMATIONAL") else "FAILED"
    behavior = case.behavior if case.behavior in COLUMNS else "FAILED"
    return max(behavior, close, key=COLUMNS.index)
