"""A gate's result as a JUnit XML file, which continuous integration shows beside its tests. Knows no statistics.

write_junit(result, Path("gate.xml"))
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from reports import text
from reports.gate import GateResult
from reports.run import atomic

_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold, not even escaped."""


def write_junit(result: GateResult, path: Path) -> None:
    """Writes the file, its folder too where it is missing. Raises EnvironmentFault where that cannot be."""
    atomic.write(path, render_junit(result))


def render_junit(result: GateResult) -> str:
    """One testcase a rule; a rule that fails or cannot be told is a failure, unless the gate lets it pass."""
    failed = [check for check in result.checks if result.stopped_by(check)]
    suite = ElementTree.Element(
        "testsuite",
        name="advisor gate",
        tests=str(len(result.checks)),
        failures=str(len(failed)),
        errors="0",
        skipped="0",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("run", result.run), ("approach", result.approach), ("metric", result.metric)):
        ElementTree.SubElement(properties, "property", name=name, value=_legal(value))
    for check in result.checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_legal(f"advisor.gate.{result.run}"), name=check.rule
        )
        if check in failed:
            failure = ElementTree.SubElement(case, "failure", message=_legal(check.text), type=check.verdict)
            failure.text = _legal(check.text)
        else:
            ElementTree.SubElement(case, "system-out").text = _legal(f"{check.verdict}: {check.text}")
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _legal(said: str) -> str:
    return _NO_XML.sub("\ufffd", text.clean(said))
