"""`fleetgate models` and `fleetgate pipeline`: tables for people, JSON for programs."""

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.cli.files import load_or_tell
from gateway.core.catalog import Model
from gateway.core.clock import SystemClock
from gateway.core.snapshot import Snapshot
from gateway.pipeline import Inflight, shape_of
from gateway.stages import order
from gateway.telemetry.metrics import Metrics


def models(config: Path | None, as_json: bool) -> int:
    """The models of the configuration and their targets."""
    loaded = load_or_tell(config)
    if loaded is None:
        return 1
    snapshot = loaded.snapshot
    every = [*snapshot.catalog.models.values(), *snapshot.catalog.patterns]
    show(["model", "answered by", "provider"], [_model_row(model, snapshot) for model in every], as_json)
    return 0


def _model_row(model: Model, snapshot: Snapshot) -> list[str]:
    spec = snapshot.providers[model.targets[0].provider]
    state = spec.wire + (", no key" if spec.key_needed and not spec.api_keys else "")
    return [model.name, ", ".join(target.label for target in model.targets), state]


def pipeline(as_json: bool) -> int:
    """The stages in their order, with what each does."""
    rows: list[list[str]] = []
    for stage in order(Metrics(), Inflight(), SystemClock()):
        says = (inspect.getdoc(sys.modules[type(stage).__module__]) or "").splitlines()[0]
        rows.append([str(len(rows) + 1), type(stage).__name__, shape_of(stage).value, says])
    show(["#", "stage", "shape", "what it does"], rows, as_json)
    return 0


def show(columns: list[str], rows: list[list[str]], as_json: bool) -> None:
    """Prints rows as a table, or as a JSON array of objects."""
    if as_json:
        told: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
