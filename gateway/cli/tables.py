"""`fleetgate models` and `fleetgate pipeline`: tables for people, JSON for programs."""

import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gateway.cli.files import load_or_tell
from gateway.cli.screen import shortcoming
from gateway.core.catalog import Model, ProviderSpec
from gateway.core.clock import SystemClock
from gateway.core.snapshot import Snapshot
from gateway.pipeline import Inflight, Stage, shape_of
from gateway.routing.health import Health
from gateway.stages import order, passage_order
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tasks import Tasks

Row = Mapping[str, str | Sequence[str]]
BOUNDLESS = 100_000
"""Columns of an output that is no terminal: whoever reads it wants whole lines."""


def models(config: Path | None, as_json: bool) -> int:
    """The models of the configuration and their targets."""
    loaded = load_or_tell(config)
    if loaded is None:
        return 1
    snapshot = loaded.snapshot
    rows = [_model_row(model, snapshot) for model in (*snapshot.catalog.models.values(), *snapshot.catalog.patterns)]
    if not rows:
        print('Add a model under models in the configuration, such as "*": provider/*: there is none.', file=sys.stderr)
    show(rows, as_json)
    return 0


def _model_row(model: Model, snapshot: Snapshot) -> Row:
    """The wires are those of its targets, each once."""
    specs = [snapshot.providers[target.provider] for target in model.targets]
    wires = ", ".join(dict.fromkeys(spec.wire for spec in specs))
    targets = [target.label for target in model.targets]
    return {"model": model.name, "targets": targets, "wire": wires, "state": _state(specs)}


def _state(specs: Sequence[ProviderSpec]) -> str:
    """`ready`; of a chain with some targets that cannot answer, which and why."""
    out = {spec.name: told for spec in specs if (told := shortcoming(spec))}
    if len(out) == len({spec.name for spec in specs}):
        return next(iter(out.values()))
    return ", ".join(("ready", *(f"but for {name}: {told}" for name, told in out.items())))


def pipeline(as_json: bool) -> int:
    """The stages in their order, with what each does: those of a chat, then those of what is no chat."""
    metrics, inflight, clock = Metrics(), Inflight(), SystemClock()
    health = Health(metrics)
    chat, passage = order(metrics, inflight, clock, health, Tasks()), passage_order(metrics, inflight, clock, health)
    show([*(_stage_row("chat", stage) for stage in chat), *(_stage_row("passage", stage) for stage in passage)], as_json)
    return 0


def _stage_row(way: str, stage: Stage) -> Row:
    says = (inspect.getdoc(sys.modules[type(stage).__module__]) or "").splitlines()[0]
    return {"way": way, "stage": type(stage).__name__, "shape": shape_of(stage).value, "purpose": says}


def show(rows: Sequence[Row], as_json: bool) -> None:
    """Prints rows as a JSON array of objects, or as a table whose columns their keys name."""
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    elif rows:
        sys.stdout.write(_drawn(rows))


def _drawn(rows: Sequence[Row]) -> str:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, str) else ", ".join(cell) for cell in row.values()))
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, width=BOUNDLESS)
    with console.capture() as drawn:
        console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines())
