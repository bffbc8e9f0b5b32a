"""The command line: thin commands over project, plan, orchestrator and summary. Exit codes are an API.

    advisor demo
    advisor new support-tickets --eval eval.csv --train train.csv --documents handbook/
    advisor run support-tickets

0 done · 1 done, but an approach failed · 2 usage or data error · 3 environment · 130 interrupted.
stdout is data, stderr is narration. Everything heavy is imported by the command that needs it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from reports.errors import AdvisorError, EnvironmentFault, UsageError

app = typer.Typer(
    name="advisor",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ProjectPath = Annotated[Path, typer.Argument(metavar="PROJECT", help="The project's folder or its advisor.yaml.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a project's (its latest run).")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
Plain = Annotated[bool, typer.Option("--plain", help="Lines without cursor tricks or colour.")]
Cache = Annotated[bool, typer.Option("--cache", help="Reuse answers that a model gave before; they carry no time.")]
AllowBroken = Annotated[bool, typer.Option("--allow-broken", help="Go on where more than 5 % of the rows are broken.")]
Formats = Annotated[list[str] | None, typer.Option("--format", "-f", help="html, md, csv, json or pdf; repeatable.")]
FIXES = (
    "duplicates, leaks and label-spelling where nothing is said; also near-duplicates, conflicts, boilerplate, "
    "too-long, personal-data (masked) and style (blanks and code fences taken off). label-noise, near-conflicts, "
    "languages, length-outliers and, with --deep, paraphrases and own-paraphrases set rows aside in a file to read."
)


@app.callback()
def opened(
    context: typer.Context,
    web: Annotated[bool, typer.Option("--web", help="Serve the app to a browser on this machine.")] = False,
    port: Annotated[int, typer.Option(help="Port for --web.", min=1, max=65535)] = 8000,
    no_mouse: Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")] = False,
) -> None:
    """Measures on your own eval set whether fine-tuning is worth it, or whether prompting or RAG do.

    Without a command it opens the app: interview, data, plan, run, results, report.
    """
    if context.invoked_subcommand is not None:
        return
    if web:
        from advisor.tui.opening import serve

        serve(port)
    elif sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty():  # Textual draws on stderr
        from advisor.tui.opening import open_app

        open_app(mouse=not no_mouse)
    else:
        sys.stderr.write(context.get_help() + "\n")
        raise typer.Exit(UsageError.exit_code)


@app.command()
def new(  # noqa: PLR0917 - typer reads the parameters by name
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where advisor.yaml is written.")],
    eval_file: Annotated[Path, typer.Option("--eval", help="The eval set, in any usual format.")],
    train: Annotated[Path | None, typer.Option(help="Training examples.")] = None,
    documents: Annotated[Path | None, typer.Option(help="A folder or file of documents to retrieve from.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="COLUMN", help="Column of the input, in both files; repeatable."),
    ] = None,
    references: Annotated[
        list[str] | None,
        typer.Option("--reference", metavar="COLUMN", help="Column of the expected answer, in both files; repeatable."),
    ] = None,
) -> None:
    """Look at data files, guess task, columns and metrics, and write a commented advisor.yaml."""
    from advisor.inspection import new_project

    new_project(folder, eval_file, train, documents, inputs=inputs or (), references=references or ())


@app.command()
def plan(  # noqa: PLR0917 - typer reads the parameters by name
    project: Annotated[
        Path | None, typer.Argument(metavar="[PROJECT]", help="The project's folder or its advisor.yaml.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Instead of a project: does fine-tuning this fit? A config.json, a folder, or Llama-3-8B."),
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="With --model: qlora, lora or full; repeatable; default: all.")
    ] = None,
    rank: Annotated[int, typer.Option(help="With --model: rank of the adapter.")] = 16,
    targets: Annotated[
        str, typer.Option(help="With --model: layers with adapters, as q_proj,v_proj; default: all linear ones.")
    ] = "all-linear",
    dora: Annotated[
        bool, typer.Option("--dora", help="With --model: adapters with DoRA's magnitudes. rsLoRA takes nothing more.")
    ] = False,
    length: Annotated[int, typer.Option(help="With --model: tokens of the longest example.")] = 1024,
    batch: Annotated[int, typer.Option(help="With --model: examples that go through the model at once.")] = 1,
    card: Annotated[str, typer.Option(help='With --model: "RTX 4090", or its GiB; default: this machine.')] = "",
    json: Json = False,
    allow_broken: AllowBroken = False,
) -> None:
    """Show what would run, with every default, and what the eval set can detect.

    With --model, no project: whether fine-tuning that model and answering with it fit a card, part by part, and what
    would, from its configuration alone.
    """
    if model is not None:
        from advisor.fitting import FitOptions, show_fit

        options = FitOptions(model, tuple(method or ()), rank, length, batch, card, targets, dora)
        show_fit(options, as_json=json)
        return
    if project is None:
        raise UsageError("advisor plan needs a project, or --model", "advisor plan FOLDER; advisor plan --model NAME")
    from advisor.inspection import show_plan

    show_plan(project, as_json=json, allow_broken=allow_broken)


@app.command()
def run(  # noqa: PLR0917 - typer reads the parameters by name
    project: ProjectPath,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: runs/ in the project.")] = None,
    json: Json = False,
    plain: Plain = False,
    cache: Cache = False,
    allow_broken: AllowBroken = False,
) -> None:
    """Run every approach on the eval set and write the report. The last line is the run's folder."""
    from advisor.commands import Display, run_project

    raise typer.Exit(run_project(project, out, Display(json, plain), cache=cache, allow_broken=allow_broken))


@app.command()
def resume(
    run: RunPath,
    project: Annotated[
        Path | None, typer.Option(help="Its project, where that was moved and the run does not lie inside.")
    ] = None,
    json: Json = False,
    plain: Plain = False,
    cache: Cache = False,
) -> None:
    """Go on with a run that was interrupted or in which an approach failed."""
    from advisor.commands import Display, resume_run

    raise typer.Exit(resume_run(run, Display(json, plain), cache=cache, home=project))


@app.command()
def report(
    run: RunPath,
    formats: Formats = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; default: report/ in the run.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="The same as --format pdf.")] = False,
    paper: Annotated[str, typer.Option(help="Paper of the PDF: a4 or letter.")] = "a4",
) -> None:
    """Write the report of a stored run again; with --format json alone and no --out, print it."""
    from advisor.commands import report_run

    wanted = [*(formats or ()), *(["pdf"] if pdf else [])]
    report_run(run, wanted or ["html"], out, paper.lower())


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="A run's folder, or a project's (its latest run).")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The run to compare with it: differences are B minus A.")],
    json: Json = False,
) -> None:
    """Show what changed between two runs, beside the paired difference of their answers. Change one thing at a time."""
    from advisor.comparing import show_diff

    show_diff(a, b, as_json=json)


@app.command()
def gate(  # noqa: PLR0917 - typer reads the parameters by name
    run: RunPath,
    min_quality: Annotated[
        float | None, typer.Option(help="Least quality, in the metric's unit: 0.85 is 85 % of accuracy.")
    ] = None,
    at: Annotated[
        str,
        typer.Option(
            metavar="lower|estimate",
            help="What meets it: the lower end of the 95 % interval, or the estimate. At the limit itself an estimate "
            "passes half of the time.",
        ),
    ] = "lower",
    not_worse_than: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN2",
            help="Fail unless the loss against RUN2, on the cases both share, is shown to be under the margin "
            "(non-inferiority at 5 %).",
        ),
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="That margin, in the metric's unit; default: the project's.")
    ] = None,
    approach: Annotated[str | None, typer.Option(help="Which approach; default: the recommended one.")] = None,
    against: Annotated[
        str | None, typer.Option(help="Which one of RUN2; default: the same name, else the recommended one.")
    ] = None,
    allow_unsure: Annotated[
        bool, typer.Option("--allow-unsure", help="Let pass what cannot be told; without it that fails.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(help="Write the result as JUnit XML too.")] = None,
    json: Json = False,
) -> None:
    """Hold a run to rules, for CI. Exit code 0: every rule is shown to be met; 1: not; 2: it cannot be asked."""
    from advisor.comparing import GateOptions, gate_run

    options = GateOptions(min_quality, not_worse_than, approach, against, margin, at, allow_unsure, junit, json)
    raise typer.Exit(gate_run(run, options))


@app.command()
def runs(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project, or a folder of runs.")] = Path(),
    json: Json = False,
) -> None:
    """List the stored runs of a project."""
    from advisor.inspection import list_stored

    list_stored(project, as_json=json)


@app.command()
def check(  # noqa: PLR0917 - typer reads the parameters by name
    project: Annotated[
        Path | None, typer.Argument(metavar="PROJECT", help="A project to check; none: this machine.")
    ] = None,
    json: Json = False,
    allow_broken: AllowBroken = False,
    deep: Annotated[bool, typer.Option("--deep", help="Look at the data with sentence embeddings too: slow.")] = False,
    clean: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a cleaned copy of the training data, with a log.")
    ] = None,
    fix: Annotated[list[str] | None, typer.Option(help=f"What --clean repairs; repeatable. {FIXES}")] = None,
) -> None:
    """Check the machine, and for a project its data, keys, models and what is skipped."""
    from advisor.inspection import Cleaning, check_all

    if fix and clean is None:
        raise UsageError("--fix says what --clean repairs, and there is no --clean", "add --clean FOLDER")
    unseen = [name for name in fix or () if name.endswith("paraphrases") and not deep]
    if unseen:
        raise UsageError(f"--fix {unseen[0]} needs sentence embeddings", "add --deep: it takes minutes")
    if project is None and (deep or clean):
        raise UsageError("there is no project to look at", "advisor check PROJECT")
    cleaning = Cleaning(clean, tuple(fix or ())) if clean else None
    check_all(project, as_json=json, allow_broken=allow_broken, deep=deep, cleaning=cleaning)


@app.command()
def export(  # noqa: PLR0917 - typer reads the parameters by name
    run: RunPath,
    to: Annotated[
        str, typer.Option(help="adapter, merged, gguf, ollama, llamafactory, axolotl or trl.", show_default=False)
    ],
    approach: Annotated[str | None, typer.Option(help="Which fine-tuning; default: the run's only one.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the export; default: exports/ in the run.")] = None,
    quant: Annotated[str, typer.Option(help="For gguf and ollama: f16, q8_0, q4_0.")] = "f16,q8_0,q4_0",
    force: Annotated[bool, typer.Option("--force", help="Replace an export that is there already.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Also time base, adapter and merged weights, for the report.")
    ] = False,
) -> None:
    """Hand a fine-tuned model over: verified weights, GGUF, or the training for another tool."""
    from advisor.export import ExportOptions, export_run

    options = ExportOptions(approach, out, tuple(quant.split(",")), force, measure)
    raise typer.Exit(export_run(run, to, options))


@app.command()
def demo(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="tickets, handbook or orders.")] = "tickets",
    out: Annotated[Path, typer.Option(help="Folder that the demo project is copied to.")] = Path("advisor-demo"),
    json: Json = False,
    plain: Plain = False,
) -> None:
    """Run a bundled project with the bundled model on this machine."""
    from advisor.commands import Display, run_demo

    raise typer.Exit(run_demo(name, out, Display(json, plain)))


def main() -> None:
    """Entry point: errors become one message and an exit code, never a traceback."""
    try:
        code = app(prog_name="advisor", standalone_mode=False)
    except AdvisorError as error:
        code = _tell(str(error), error.hint, error.exit_code)
    except typer.Exit as ended:
        code = ended.exit_code
    except TyperException as error:
        code = _tell_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except OSError as error:
        code = _tell(str(error), "check that the place exists, is yours, and has room", EnvironmentFault.exit_code)
    except Exception as error:  # noqa: BLE001 - the boundary of the program
        from advisor import defects

        fault = defects.told(error)
        code = _tell(str(fault), fault.hint, fault.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _tell(message: str, hint: str, code: int) -> int:
    from reports.text import clean

    sys.stderr.write(f"error: {clean(message)}\n" + (f"hint: {clean(hint)}\n" if hint else ""))
    return code


def _tell_usage(error: TyperException) -> int:
    """A command line that cannot be read."""
    return _tell(error.format_message().replace("\n", " "), "advisor --help", UsageError.exit_code)


if __name__ == "__main__":
    main()
