"""The audit of a project's data: what a careful person would find before training on it, with rows and remedies.

    material = read_material(Source(path="eval.csv"), Source(path="train.csv"), "classification", folder)
    audit = examine(material, task)
    for finding in audit.findings: print(finding.severity, finding.text, finding.rows[:3])

Reads files, never models; changes nothing. `cleaning` writes a repaired copy. Nothing heavy is imported before it is
needed.
"""

from baselines.audit.examination import Survey, examine, survey
from baselines.audit.findings import Audit, Finding, Place
from baselines.audit.rows import Material, read_material

__all__ = ["Audit", "Finding", "Material", "Place", "Survey", "examine", "read_material", "survey"]
