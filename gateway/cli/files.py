"""`fleetgate init`, `check` and `schema`: the files that users write."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.cli.program import program
from gateway.cli.screen import counted
from gateway.config.initial import initial_files
from gateway.config.inputs import NAME, Inputs, find_config
from gateway.config.load import Examined, Loaded, examine
from gateway.config.problems import Problem, Severity, render_all
from gateway.config.report import as_json, as_sarif
from gateway.config.schema import config_schema, policy_schema, schema_text

FORMATS: Mapping[str, Callable[[Sequence[Problem]], str]] = {"text": render_all, "json": as_json, "sarif": as_sarif}
SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {"config": config_schema, "policy": policy_schema}


def inputs_of(config: Path | None, host: str | None = None, port: int | None = None) -> Inputs:
    """The inputs of this command line, in this environment and folder."""
    return Inputs(find_config(config, os.environ), dict(os.environ), host, port)


def load_or_tell(config: Path | None) -> Loaded | None:
    """The configuration; None after telling on standard error why there is none."""
    examined = examine(inputs_of(config))
    if examined.loaded is None:
        print(render_all(examined.errors), file=sys.stderr)
    return examined.loaded


def check(config: Path | None, form: str) -> int:
    """Everything there is to say about the configuration, on standard output; 1 where it is not sound."""
    if form not in FORMATS:
        print(f"Give --format {', '.join(FORMATS)}; there is no {form!r}.", file=sys.stderr)
        return 2
    inputs = inputs_of(config)
    examined = examine(inputs)
    if told := FORMATS[form](examined.problems):
        print(told)
    if form == "text":
        print(verdict(str(inputs.path or "zero config (no file)"), examined))
    return 0 if examined.loaded is not None else 1


def verdict(name: str, examined: Examined) -> str:
    """The last line of a check."""
    warnings = sum(one.severity is Severity.WARNING for one in examined.problems)
    if examined.loaded is None:
        also = f", {counted(warnings, 'warning')}" if warnings else ""
        return f"{name} is not sound: {counted(len(examined.errors), 'error')}{also}."
    snapshot = examined.loaded.snapshot
    counts = (
        counted(len(snapshot.providers), "provider"),
        counted(len(snapshot.catalog.models) + len(snapshot.catalog.patterns), "model"),
        counted(len(snapshot.keys), "key"),
    )
    with_warnings = f", with {counted(warnings, 'warning')}" if warnings else ""
    return f"{name} is sound{with_warnings}: {', '.join(counts)}, version {snapshot.version}."


def init(path: Path, force: bool) -> int:
    """Writes the files of a new user beside each other; 1 where one stands already, or cannot be written."""
    config = path / NAME if path.is_dir() else path
    files = {config.parent / name if name != NAME else config: text for name, text in initial_files().items()}
    standing = [str(file) for file in files if file.exists()]
    if standing and not force:
        told = ", ".join(standing)
        print(f"Name another place, or replace what stands there with --force: {told}.", file=sys.stderr)
        return 1
    for file, text in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            print(f"Name a place that can be written: {file} cannot ({error.strerror}).", file=sys.stderr)
            return 1
        print(f"wrote {file}")
    named = "" if config == Path(NAME) else f" --config {config}"
    print(f"Next: `{program()} check{named}`, then `{program()} serve{named}`.")
    return 0


def schema(of: str) -> int:
    """Prints a JSON Schema."""
    if of not in SCHEMAS:
        print(f"Ask for the schema of {' or '.join(SCHEMAS)}; there is none of {of!r}.", file=sys.stderr)
        return 2
    sys.stdout.write(schema_text(SCHEMAS[of]()))
    return 0
