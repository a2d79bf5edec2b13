"""The command `fleetgate`: each subcommand in a file of its own, imported only when it is called."""

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="The configuration. Else FLEETGATE_CONFIG, else ./config.yaml where it stands, else none."
    ),
]
OF_THE_ROOT = ("--help", "-h", "--version", "-V")
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

app = typer.Typer(
    name="fleetgate",
    help="The LLM gateway for fleets of AI agents. Without a command: serve.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    """The LLM gateway for fleets of AI agents."""
    if version:
        typer.echo(f"fleetgate {__version__}")
        raise typer.Exit


@app.command()
def serve(
    config: ConfigOption = None,
    port: Annotated[
        int | None,
        typer.Option("--port", "-p", min=0, max=65535, help="The port, over the configured one; 0 takes a free one."),
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="The address, over the configured one.")] = None,
    reload: Annotated[bool, typer.Option("--reload/--no-reload", help="Follow changes of the configuration's files.")] = True,
    log_format: Annotated[
        str, typer.Option("--log-format", help="text, or json: then the start screen is an event of the log, too.")
    ] = "text",
    debug: Annotated[bool, typer.Option("--debug", help="Log more, and show where an error came from.")] = False,
) -> None:
    """Serve; `fleetgate` alone does the same."""
    from gateway.cli.serve import serve as run

    raise typer.Exit(run(config, host, port, reload, log_format, debug))


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="Where to write it: a file or a folder.")] = Path("config.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace what stands there.")] = False,
) -> None:
    """Write a config.yaml to start from.

    It is complete and commented; its schemas, for editors, and a first policy come beside it.
    """
    from gateway.cli.files import init as run

    raise typer.Exit(run(path, force))


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="The same as --config.")] = None,
    config: ConfigOption = None,
    form: Annotated[str, typer.Option("--format", help="text, json or sarif.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Say all that is wrong with a configuration.

    Every mistake with its place and its fix, all at once; then what is accepted and does nothing in this version.
    Leaves with 1 where the configuration is not sound.
    """
    from gateway.cli.files import check as run

    if file is not None and config is not None:
        raise typer.BadParameter("name one file: as the argument, or with --config")
    raise typer.Exit(run(file or config, "json" if as_json else form))


@app.command()
def schema(
    of: Annotated[str, typer.Argument(help="config or policy.")] = "config",
) -> None:
    """Print the JSON Schema of config.yaml or of policies."""
    from gateway.cli.files import schema as run

    raise typer.Exit(run(of))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask; - reads it from standard input.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The model to ask.")] = "echo",
    url: Annotated[
        str, typer.Option("--url", envvar=["FLEETGATE_URL", "OPENAI_BASE_URL"], help="The gateway's base URL.")
    ] = "http://127.0.0.1:8080/v1",
    key: Annotated[str, typer.Option("--key", envvar="OPENAI_API_KEY", help="The key to send.")] = "any",
) -> None:
    """Ask a running gateway, and stream its answer."""
    from gateway.cli.ask import ask as run

    raise typer.Exit(run(question, model, url, key))


@app.command()
def models(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the models, and who answers for them."""
    from gateway.cli.tables import models as run

    raise typer.Exit(run(config, as_json))


@app.command()
def pipeline(as_json: JsonOption = False) -> None:
    """List the stages that a request passes, in order."""
    from gateway.cli.tables import pipeline as run

    raise typer.Exit(run(as_json))


def main() -> None:
    """The entry point: no traceback for what is not our defect."""
    open_standard_files()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a letter that the terminal cannot show is no reason to end
    try:
        app(with_command(sys.argv[1:]), prog_name="fleetgate")
    except OSError as error:
        if "--debug" in sys.argv:
            raise
        sys.exit(f"fleetgate could not go on: {error}")


def open_standard_files() -> None:
    """Where the shell has closed one of the standard files, a socket would get its number, and be taken for it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # for as long as we live
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def with_command(arguments: list[str]) -> list[str]:
    """`fleetgate`, and `fleetgate -p 80`, mean `fleetgate serve`."""
    leads = arguments[:1]
    return ["serve", *arguments] if not leads or (leads[0].startswith("-") and leads[0] not in OF_THE_ROOT) else arguments
