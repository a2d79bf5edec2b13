"""Configurations in folders of their own, looked at as the command line does."""

from collections.abc import Mapping
from pathlib import Path

from gateway.config.inputs import Inputs
from gateway.config.load import Examined, Loaded, examine
from gateway.config.problems import Problem, Severity, render_all

PEPPER = b"pepper"
ECHO = 'providers: { echo: { wire: echo } }\nmodels: { echo: echo/echo, "echo-*": echo/* }\n'


def look(folder: Path, text: str, environ: Mapping[str, str] | None = None, host: str | None = None) -> Examined:
    """Writes config.yaml and examines it."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return examine(Inputs(path, environ or {}, host, pepper=PEPPER))


def loaded(folder: Path, text: str, environ: Mapping[str, str] | None = None, host: str | None = None) -> Loaded:
    """The same, which must hold."""
    examined = look(folder, text, environ, host)
    assert examined.loaded is not None, render_all(examined.errors)
    return examined.loaded


def told(examined: Examined, folder: Path, severity: Severity = Severity.ERROR) -> str:
    """The problems of this severity as a user sees them, without the folder."""
    return render_all(one for one in examined.problems if one.severity is severity).replace(f"{folder}/", "")


def only(examined: Examined, severity: Severity = Severity.ERROR) -> Problem:
    """The one problem of this severity."""
    (problem,) = [one for one in examined.problems if one.severity is severity]
    return problem


def messages(examined: Examined, severity: Severity = Severity.ERROR) -> list[str]:
    """What each problem of this severity says."""
    return [f"{one.hint} ({one.message})" if one.hint else one.message for one in examined.problems if one.severity is severity]
