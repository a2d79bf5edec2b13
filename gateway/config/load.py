"""From inputs to a snapshot: reads the files, collects everything that is wrong, compiles what is not. Blocks on files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from gateway.config.advice import literal_secrets, not_yet
from gateway.config.authorities import ca_digests
from gateway.config.compile import Surroundings, compile_config
from gateway.config.document import Document
from gateway.config.files import Files
from gateway.config.inputs import Inputs
from gateway.config.models import Config
from gateway.config.models.server import Listen
from gateway.config.policies import Policies, read_policies
from gateway.config.problems import Finding, Problem, Severity, Where, render_all
from gateway.config.validate import validate
from gateway.config.watched import Watched
from gateway.config.zero import zero_config
from gateway.core.snapshot import Snapshot


@dataclass(frozen=True)
class Loaded:
    """A configuration that holds.

    `listen` is the address to use. `found` maps a provider to the variable that made it, and `unserved` tells what was
    found in vain (zero config only; `path` is None then). `fixed` holds the settings that only a restart changes.
    """

    snapshot: Snapshot
    listen: Listen
    path: Path | None = None
    found: Mapping[str, str] = field(default_factory=dict)
    unserved: tuple[str, ...] = ()
    fixed: Mapping[Where, object] = field(default_factory=dict, repr=False)
    document: Document | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Examined:
    """A look at a configuration: everything there is to say, and the configuration where it holds."""

    problems: tuple[Problem, ...]
    loaded: Loaded | None
    watched: Watched = field(default_factory=Watched)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(one for one in self.problems if one.severity is Severity.ERROR)


class ConfigRefused(Exception):
    """The configuration does not hold: `problems` says where and why, and the text renders them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(render_all(problems))
        self.problems = problems


def load(inputs: Inputs) -> Loaded:
    """The configuration. Raises `ConfigRefused` with everything that is wrong."""
    examined = examine(inputs)
    if examined.loaded is None:
        raise ConfigRefused(examined.errors)
    return examined.loaded


def examine(inputs: Inputs, *, pipe: bool = True) -> Examined:
    """Everything there is to say about the configuration: errors, warnings and notes at once.

    `pipe`: the file may be one, and is waited for. Not for a process that serves: what came through the pipe is gone.
    """
    examined = _examine_environment(inputs) if inputs.path is None else _examine_file(inputs, inputs.path, pipe=pipe)
    return replace(examined, loaded=None) if examined.errors else examined


def _examine_environment(inputs: Inputs) -> Examined:
    listen = inputs.listen(Config().server.listen)
    zero = zero_config(inputs.environ, listen)
    around = Surroundings(Path(), inputs.pepper, listen, inputs.born_s, variables=zero.variables, environ=inputs.environ)
    snapshot, findings = compile_config(zero.config, around)
    problems = tuple(_without_file(one, zero.variables(one.where)) for one in (*zero.findings, *findings))
    return Examined(problems, Loaded(snapshot, listen, None, zero.found, zero.unserved, _fixed(zero.config)))


def _without_file(finding: Finding, variables: Sequence[str]) -> Problem:
    """Only --host can listen wider than loopback here, and there is no file yet that keys could stand in."""
    if finding.rule == "exposed":
        hint = "begin a configuration with `fleetgate init` and give it a key under tenants, or leave --host away"
        return Problem("command line", 0, 0, finding.message, hint, finding.severity, finding.rule)
    message = f"{variables[0]}: {finding.message}" if variables else finding.message
    return Problem("environment", 0, 0, message, finding.hint, finding.severity, finding.rule)


def _examine_file(inputs: Inputs, path: Path, *, pipe: bool) -> Examined:
    files = Files(path.parent, inputs.environ)
    document = files.config(path, pipe=pipe)
    config, wrong = validate(Config, document)
    usable = config or Config()
    there = all(one.rule != "unreadable" for one in document.problems)
    folder = path.parent / usable.policies
    policies = _policies(folder, usable, document, files) if there else Policies()
    digests, unread = ca_digests(usable.providers, files)
    listen = inputs.listen(usable.server.listen)
    around = Surroundings(
        path.parent,
        inputs.pepper,
        listen,
        _age(path),
        policies.policies,
        document.variables,
        MappingProxyType(digests),
        inputs.environ,
    )
    snapshot, clashes = compile_config(usable, around)
    clashes = [one for one in clashes if one.where not in document.dead]
    if wrong or document.data is None:  # what remains may lack the very key that would answer these
        clashes = [one for one in clashes if config is not None and one.rule not in ("exposed", "no-models")]
        clashes = [one for one in clashes if one.where[:2] not in _half_known(wrong)]
    findings = [*wrong, *clashes, *unread, *policies.findings, *literal_secrets(document), *not_yet(document)]
    problems = [*document.problems, *map(document.place, findings), *policies.problems]
    loaded = Loaded(snapshot, listen, path, fixed=_fixed(usable), document=document)
    return Examined(tuple(problems), loaded, Watched(files.stamps, folder if there else None))


def _half_known(wrong: Sequence[Finding]) -> set[Where]:
    """Providers with a setting that could not be taken over: what is said of the rest would mislead."""
    return {one.where[:2] for one in wrong if one.where[:1] == ("providers",)}


def _policies(folder: Path, config: Config, document: Document, files: Files) -> Policies:
    return read_policies(folder, config.policies, files, named=("policies",) in document.values)


def _fixed(config: Config) -> Mapping[Where, object]:
    """What cannot change while the process runs."""
    return {
        ("server", "listen"): config.server.listen,
        ("server", "workers"): config.server.workers,
        ("server", "receive"): config.server.receive,
        ("stores", "hot"): config.stores.hot,
        ("stores", "ledger"): config.stores.ledger,
    }


def _age(path: Path) -> int:
    """When the file was written, in Unix time: what listings of models show."""
    try:
        return int(path.stat().st_mtime)
    except (OSError, ValueError):
        return 0
