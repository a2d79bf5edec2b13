"""The rules of style that no linter knows, each a pure function from a source file to complaints."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

FILE_LINES: Final = 400
FUNCTION_LINES: Final = 50
HEAVY: Final = frozenset({"torch", "faiss", "onnxruntime", "sentence_transformers"})
MARKERS: Final = frozenset({"GatewayError", "Refusal", "UpstreamFault"})
NO_NAMES: Final = re.compile(r"(^|_)(utils?|helpers?|common|base|managers?|misc|v\d+)(_|$)")

# Where a broad `except` may swallow: these end a journey, a call, a task or a connection, whatever happened in it.
BROAD_EXCEPT: Final = ("gateway/pipeline.py", "gateway/web/conversation.py", "gateway/telemetry/tasks.py", "gateway/web/server")
# Where a task may start: the owner of tasks, and the protocol that the server's loop calls into.
TASK_START: Final = ("gateway/telemetry/tasks.py", "gateway/web/server")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the gateway; `path` is relative to the repository, with `/`."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)


Rule = Callable[[Source], Iterator[str]]


def gateway_sources() -> list[Source]:
    files = sorted((ROOT / "gateway").rglob("*.py"))
    return [Source(file.relative_to(ROOT).as_posix(), file.read_text("utf-8")) for file in files]


def files_are_short(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield f"{source.path} has {lines} lines, more than {FILE_LINES}"


def functions_are_short(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{source.path}:{node.lineno} {node.name} has {lines} lines, more than {FUNCTION_LINES}"


def modules_say_what_lives_in_them(source: Source) -> Iterator[str]:
    if not (ast.get_docstring(source.tree) or "").strip():
        yield f"{source.path} has no docstring"


def names_say_something(source: Source) -> Iterator[str]:
    for part in source.path.removesuffix(".py").split("/"):
        if NO_NAMES.search(part):
            yield f"{source.path}: {part!r} says nothing about what lives there"


def no_type_checking_blocks(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if "TYPE_CHECKING" in (getattr(node, "id", None), getattr(node, "attr", None)):
            yield f"{source.path}:{getattr(node, 'lineno', 0)} uses TYPE_CHECKING: in a cycle some noun is in the wrong place"


def no_globals_rebound(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Global):
            yield f"{source.path}:{node.lineno} rebinds {', '.join(node.names)} at module level"


def heavy_packages_load_late(source: Source) -> Iterator[str]:
    for node in _at_import(source.tree):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module)):
                modules = [module]
            case _:
                continue
        for module in modules:
            if module.partition(".")[0] in HEAVY:
                yield f"{source.path}:{node.lineno} imports {module} when it is imported itself"


def broad_excepts_are_few(source: Source) -> Iterator[str]:
    if source.path.startswith(BROAD_EXCEPT):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _passes_on(node):
            yield f"{source.path}:{node.lineno} catches everything, and does not raise it again"
        elif isinstance(node, ast.Call) and _called(node) == "suppress" and any(_is_broad(each) for each in node.args):
            yield f"{source.path}:{node.lineno} suppresses everything"


def tasks_start_in_one_place(source: Source) -> Iterator[str]:
    if source.path.startswith(TASK_START):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _called(node) in ("create_task", "ensure_future", "TaskGroup"):
            yield f"{source.path}:{node.lineno} starts a task that nobody owns: use gateway.telemetry.tasks.Tasks.spawn"


def markers_are_not_raised(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _called(node.exc) in MARKERS:
            yield f"{source.path}:{node.lineno} raises {_called(node.exc)}, a marker: raise the most specific error"


RULES: Final[tuple[Rule, ...]] = (
    files_are_short,
    functions_are_short,
    modules_say_what_lives_in_them,
    names_say_something,
    no_type_checking_blocks,
    no_globals_rebound,
    heavy_packages_load_late,
    broad_excepts_are_few,
    tasks_start_in_one_place,
    markers_are_not_raised,
)


def _at_import(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported: all but the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _at_import(child)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Cleaning up after whatever it was, then raising it again, swallows nothing."""
    return isinstance(last := handler.body[-1], ast.Raise) and last.exc is None


def _is_broad(caught: ast.expr | None) -> bool:
    match caught:
        case None:
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in ("Exception", "BaseException")
        case ast.Tuple(elts=several):
            return any(_is_broad(each) for each in several)
        case _:
            return False
