"""The trained approach that is exported: found in a stored run, with its base model still there and the same.

    with open_source(Path("runs/1"), approach=None) as source:
        source.name, source.provenance, source.base_folder

Raises UsageError where the run trained nothing, several fine-tunings leave open which is meant, or the approach named
was not trained; DataError where the base model is gone or another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor import demo, project
from advisor.commands import latest_run
from baselines import registry
from baselines.contract import Resources
from baselines.registry import METHODS
from reports.errors import AdvisorError, DataError, UsageError
from reports.run.schema import ApproachSpec, Case, ModelSpec, is_endpoint
from reports.run.store import RunStore
from reports.summary import summarise
from reports.summary.model import Summary

if TYPE_CHECKING:
    from baselines.finetuned import FineTuned
    from baselines.models.local import LocalModel
    from finetune.adapter import Provenance


@dataclass(frozen=True, eq=False)
class Source:
    """One fine-tuned approach of a stored run."""

    store: RunStore
    spec: ApproachSpec

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def method(self) -> str:
        """qlora, lora or full."""
        return METHODS[self.spec.kind]

    @property
    def model_spec(self) -> ModelSpec:
        """The base model as the project names it."""
        assert self.spec.model is not None
        return self.spec.model

    @property
    def project_folder(self) -> Path:
        """Where relative paths of the project start."""
        return Path(self.store.header.spec.project_folder)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        return tuple(self.store.cases())

    @cached_property
    def summary(self) -> Summary:
        """Of the run: scores with intervals."""
        return summarise(self.store)

    @cached_property
    def base_folder(self) -> Path:
        """Where the base model lies now. Raises DataError or EnvironmentFault where it is gone."""
        from finetune.model_files import find_model

        spec = self.model_spec
        folders = _model_folders(self.store, self.spec)
        named = Path(folders.get(spec.id, spec.id))
        if spec.id in folders and not named.is_dir():
            raise _gone(self.name, spec.id)
        try:
            return find_model(str(named), spec.revision)
        except DataError as error:
            raise _gone(self.name, spec.id) from error

    @cached_property
    def base(self) -> LocalModel:
        """The base model, opened; its weights are read with the first answer."""
        from baselines.models import local

        return local.load(self.model_spec, model_path=self.base_folder)

    @cached_property
    def approach(self) -> FineTuned:
        """The approach itself, which knows its prompts and training pairs."""
        spec = self.store.header.spec
        resources = Resources(
            spec=spec,
            train=tuple(self.store.train()),
            dev=tuple(self.store.dev()),
            documents=tuple(self.store.documents()),
            artifacts=self.store.folder / "artifacts",
            model=lambda _: self.base,
            embedder=self.embedder,
            questions=tuple(case.question for case in self.cases),
            base_folder=Path(spec.project_folder),
        )
        created: Any = registry.create(self.spec, resources)
        found: FineTuned = created
        return found

    @cached_property
    def trained_folder(self) -> Path:
        """The adapter, or the weights of a full training. Raises UsageError where nothing was trained."""
        from finetune.train import result_folder

        folder = result_folder(self.store.artifacts(self.name), self.method)
        if not folder.is_dir():
            raise UsageError(
                f"{self.name} has no trained weights in this run ({self.store.folder})",
                "`advisor resume` trains what failed; --approach names another one",
            )
        return folder

    @cached_property
    def provenance(self) -> Provenance:
        """Where the trained weights came from."""
        from finetune.adapter import read_provenance

        return read_provenance(self.trained_folder)

    def check_base(self) -> None:
        """Raises DataError unless the base model is there and is the one that was trained."""
        provenance, base = self.provenance, self.base
        if self.method == "full":
            if base.core.files.hash != provenance.base_hash:
                raise _other(self.name, provenance.base, provenance.base_hash, base.core.files.hash)
        else:
            provenance.check(self.trained_folder, weights=base.core.files.hash, layout=base.layout.hash)

    def embedder(self) -> Any:
        """The run's embedding model."""
        from baselines.embedding import load_embedder

        return load_embedder(self.store.header.spec.embedder)


@contextmanager
def open_source(run: Path, approach: str | None) -> Iterator[Source]:
    """The fine-tuned approach of a run, or of a project's latest run."""
    with RunStore.open(latest_run(run)) as store:
        yield Source(store, _choose(store, approach))


def trainable(specs: Sequence[ApproachSpec]) -> list[ApproachSpec]:
    """The approaches that are fine-tunings of a model on this machine."""
    local = [spec for spec in specs if spec.model is not None and not is_endpoint(spec.model)]
    return [spec for spec in local if spec.kind in METHODS]


def _choose(store: RunStore, name: str | None) -> ApproachSpec:
    specs = store.header.spec.approaches
    found = trainable(specs)
    names = ", ".join(spec.name for spec in found) or "none"
    if name is not None:
        named = next((spec for spec in specs if spec.name == name), None)
        if named is None:
            raise UsageError(f"the run has no approach {name!r}", f"its fine-tunings: {names}")
        if named not in found:
            raise UsageError(
                f"{name} is a {named.kind} approach: it trains nothing, so there is nothing to export",
                f"the run's fine-tunings: {names}",
            )
        return named
    if not found:
        raise UsageError(
            "no approach of this run was fine-tuned, so there is nothing to export",
            "add qlora, lora or full to the project's approaches, and run it",
        )
    contenders = [spec for spec in found if spec.part_of is None]  # not points of a curve, nor further seeds
    if len(contenders) == 1:
        return contenders[0]
    if len(found) > 1:
        raise UsageError(f"the run has several fine-tunings: {names}", "choose one with --approach NAME")
    return found[0]


def _model_folders(store: RunStore, spec: ApproachSpec) -> dict[str, str]:
    """Folders of models that are bundled or stand beside the project, as the run used them."""
    home = Path(store.header.spec.project_folder)
    try:
        return project.load(home).model_folders((spec,))
    except AdvisorError:  # the project is gone; the run alone is enough for models named by hub id or whole path
        assert spec.model is not None
        return {"demo": str(demo.model_folder())} if spec.model.id == "demo" else {}


def _gone(name: str, model: str) -> DataError:
    return DataError(
        f"The base model {model} of {name} is gone from this machine.",
        "Put it back where the project names it; an adapter is of no use without its base.",
    )


def _other(name: str, base: str, wanted: str, found: str) -> DataError:
    return DataError(
        f"The base model {base} of {name} is another one now ({found}, trained on {wanted}).",
        "Put the model back that was trained.",
    )
