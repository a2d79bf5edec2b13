"""`fleetgate init`, `check` and `schema`: the files that users write."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.config.initial import initial_files
from gateway.config.inputs import Inputs, find_config
from gateway.config.load import Loaded, examine
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
        errors = [problem for problem in examined.problems if problem.severity is Severity.ERROR]
        print(render_all(errors), file=sys.stderr)
    return examined.loaded


def check(config: Path | None, form: str) -> int:
    """Everything there is to say about the configuration; 1 where it does not hold."""
    if form not in FORMATS:
        print(f"--format takes {', '.join(FORMATS)}, not {form!r}.", file=sys.stderr)
        return 2
    inputs = inputs_of(config)
    examined = examine(inputs)
    if told := FORMATS[form](examined.problems):
        print(told)
    if form == "text":
        print(_verdict(inputs, examined.loaded))
    return 0 if examined.loaded is not None else 1


def _verdict(inputs: Inputs, loaded: Loaded | None) -> str:
    name = str(inputs.path) if inputs.path is not None else "zero config (no file)"
    if loaded is None:
        return f"{name} does not hold."
    snapshot = loaded.snapshot
    counts = f"{len(snapshot.providers)} providers, {len(snapshot.catalog.models) + len(snapshot.catalog.patterns)} models"
    return f"{name} holds: {counts}, {len(snapshot.keys)} keys, version {snapshot.version}."


def init(path: Path, force: bool) -> int:
    """Writes the files of a new user beside each other; 1 where one stands already."""
    files = {path.parent / name if name != "config.yaml" else path: text for name, text in initial_files().items()}
    standing = [str(file) for file in files if file.exists()]
    if standing and not force:
        print(f"{', '.join(standing)} stands already: name another path, or --force to replace.", file=sys.stderr)
        return 1
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        print(f"wrote {file}")
    print("Next: `fleetgate check`, then `fleetgate serve`.")
    return 0


def schema(of: str) -> int:
    """Prints a JSON Schema."""
    if of not in SCHEMAS:
        print(f"There is a schema of {' and of '.join(SCHEMAS)}, not of {of!r}.", file=sys.stderr)
        return 2
    sys.stdout.write(schema_text(SCHEMAS[of]()))
    return 0
