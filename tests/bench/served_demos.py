"""The demo projects through the local engine and through an endpoint with the same weights: answers and verdicts.

    python -m tests.bench.served_demos                  # some ten minutes; one line an approach, one a verdict
    python -m tests.bench.served_demos --cases 20 --projects handbook

`transformers serve` holds the bundled model in float32 on loopback. Every approach that asks a model without training
it is put to the endpoint in the second run; what is trained cannot be, and runs here both times. Ends with 3 where the
server cannot be started.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from advisor.demo import PROJECTS, copy_project, model_folder
from baselines import registry
from reports.run.store import RunStore
from tests.serving import ENVIRONMENT, DidNotStart, NotHere, serving, transformers_serve


def main() -> int:
    """Exit code 3 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, help="only so many cases of each project")
    parser.add_argument("--projects", nargs="+", default=PROJECTS, choices=PROJECTS)
    said = parser.parse_args()
    equal = total = verdicts = 0
    try:
        with tempfile.TemporaryDirectory() as folder, serving(transformers_serve()) as url:
            for name in said.projects:
                same, count, agreed = compare(Path(folder), name, url, said.cases)
                equal, total, verdicts = equal + same, total + count, verdicts + agreed
    except (NotHere, DidNotStart) as reason:
        sys.stdout.write(f"not measured: {reason}\n")
        return 3
    sys.stdout.write(
        f"{equal:,} of {total:,} answers equal; {verdicts} of {len(said.projects)} projects with the same verdict\n"
    )
    return 0


def compare(folder: Path, name: str, url: str, cases: int | None) -> tuple[int, int, bool]:
    """Equal answers, answers of approaches that were asked both ways, and whether the verdicts agree."""
    project = copy_project(name, folder)
    _cut(project / "eval.csv", cases)
    here, here_said = run(project, folder / f"{name}-local")
    served = put_to_endpoint(project, url)
    there, there_said = run(project, folder / f"{name}-served")
    equal = total = 0
    with RunStore.open(here) as one, RunStore.open(there) as other:
        for approach in served:
            first, second = dict(one.answers(approach).items()), dict(other.answers(approach).items())
            same = sum(case in second and first[case].text == second[case].text for case in first)
            sys.stdout.write(f"{name}, {approach}: {same} of {len(first)} answers equal\n")
            equal, total = equal + same, total + len(first)
    ours, theirs = here_said["verdict"], there_said["verdict"]
    agreed = (ours["kind"], ours["approach"]) == (theirs["kind"], theirs["approach"])
    sys.stdout.write(
        f"{name}: locally {ours['kind']} {ours['approach']}, through the endpoint {theirs['kind']} "
        f"{theirs['approach']}: {'the same verdict' if agreed else 'ANOTHER VERDICT'}\n"
    )
    for document, where in ((here_said, "locally"), (there_said, "through the endpoint")):
        values = {item["name"]: item["quality"]["value"] for item in document["approaches"]}
        sys.stdout.write(f"  {where}: {', '.join(f'{key} {value:.3f}' for key, value in values.items())}\n")
    sys.stdout.flush()
    return equal, total, agreed


def put_to_endpoint(project: Path, url: str) -> list[str]:
    """Names the endpoint in the project file for every approach that only asks a model. Returns their names."""
    file = project / "advisor.yaml"
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    context = json.loads((model_folder() / "config.json").read_text(encoding="utf-8"))["max_position_embeddings"]
    said["models"] = {"served": {"id": f"openai:{model_folder()}", "base_url": url, "context_length": context}}
    names, approaches = [], []
    for entry in said["approaches"]:
        kind, options = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        if "model" in registry.find(kind).needs and kind not in registry.METHODS:
            names.append(str(options.get("as") or kind))
            options = {**options, "model": "served"}
        approaches.append({kind: options} if options else kind)
    said["approaches"] = approaches
    file.write_text(yaml.safe_dump(said), encoding="utf-8")
    return names


def run(project: Path, out: Path) -> tuple[Path, dict[str, Any]]:
    """The run's folder and its document."""
    done = subprocess.run(
        [sys.executable, "-m", "advisor.cli", "run", str(project), "--out", str(out), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **ENVIRONMENT},
    )
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(1)
    return out, json.loads(done.stdout)


def _cut(file: Path, cases: int | None) -> None:
    if cases is not None:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(lines[: cases + 1]), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
