"""The command `fleetgate`: each subcommand in a file of its own, imported only when it is called."""

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
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

app = typer.Typer(
    name="fleetgate",
    help="The LLM gateway for fleets of AI agents. Without a command: serve.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
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
        int | None, typer.Option("--port", "-p", help="The port, over the configured one; 0 takes a free one.")
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="The address, over the configured one.")] = None,
    reload: Annotated[bool, typer.Option("--reload/--no-reload", help="Follow changes of the configuration's files.")] = True,
    log_format: Annotated[str, typer.Option("--log-format", help="text or json.")] = "text",
    debug: Annotated[bool, typer.Option("--debug", help="Log every call; show tracebacks.")] = False,
) -> None:
    """Serves. This is what `fleetgate` alone does."""
    from gateway.cli.serve import serve as run

    raise typer.Exit(run(config, host, port, reload, log_format, debug))


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("config.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that stands there.")] = False,
) -> None:
    """Writes a complete, commented config.yaml, its schema and a first policy."""
    from gateway.cli.files import init as run

    raise typer.Exit(run(path, force))


@app.command()
def check(
    config: ConfigOption = None,
    form: Annotated[str, typer.Option("--format", help="text, json or sarif.")] = "text",
) -> None:
    """Checks the configuration: every mistake with its place, and what does nothing yet."""
    from gateway.cli.files import check as run

    raise typer.Exit(run(config, form))


@app.command()
def schema(
    of: Annotated[str, typer.Argument(help="config or policy.")] = "config",
) -> None:
    """Prints the JSON Schema of config.yaml, or of a policy file."""
    from gateway.cli.files import schema as run

    raise typer.Exit(run(of))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The model to ask.")] = "echo",
    url: Annotated[
        str, typer.Option("--url", envvar=["FLEETGATE_URL", "OPENAI_BASE_URL"], help="The gateway's base URL.")
    ] = "http://127.0.0.1:8080/v1",
    key: Annotated[str, typer.Option("--key", envvar="OPENAI_API_KEY", help="The key to send.")] = "any",
) -> None:
    """Asks a running gateway and streams the answer to the terminal."""
    from gateway.cli.ask import ask as run

    raise typer.Exit(run(question, model, url, key))


@app.command()
def models(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Lists the models that callers may ask for, and who answers."""
    from gateway.cli.tables import models as run

    raise typer.Exit(run(config, as_json))


@app.command()
def pipeline(as_json: JsonOption = False) -> None:
    """Prints the stages in their order."""
    from gateway.cli.tables import pipeline as run

    raise typer.Exit(run(as_json))


def main() -> None:
    """The entry point. `fleetgate`, and `fleetgate -p 80`, mean `fleetgate serve`."""
    arguments = sys.argv[1:]
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("--help", "-h", "--version", "-V")):
        arguments.insert(0, "serve")
    app(arguments, prog_name="fleetgate")
