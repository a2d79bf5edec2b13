"""Every error that a caller can meet is explained in docs/errors.md, with the status, type and code it really has."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway
from gateway.core.errors import GatewayError, Refusal, UpstreamFault, UpstreamRefused
from gateway.web.errors import anchor

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8")
MARKERS = {GatewayError, Refusal, UpstreamFault}


def sections(page: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def subclasses(of: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def callers_errors() -> list[type[GatewayError]]:
    """The error classes of the whole gateway, markers excepted; importing every module makes each of them known."""
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = {each for each in subclasses(GatewayError) if each.__module__.startswith("gateway.")} - MARKERS
    return sorted(found, key=lambda each: each.__name__)


def promise(error: type[GatewayError]) -> str:
    """The line that a section must begin with."""
    if issubclass(error, UpstreamRefused):
        return "Status, type and code of the provider"
    code = "null" if error.code is None else error.code
    return f"Status `{error.status}`, type `{error.type}`, code `{code}`"


def complaints(page: str, errors: list[type[GatewayError]]) -> list[str]:
    told = sections(page)
    wanted = {anchor(error): error for error in errors}
    missing = [f"no section ## {name}" for name in wanted if name not in told]
    stale = [f"## {name} explains no error class" for name in told if name not in wanted]
    wrong = [
        f"## {name} does not begin with: {promise(error)}"
        for name, error in wanted.items()
        if name in told and told[name].strip().partition("\n")[0] != promise(error)
    ]
    mute = [
        f"## {name} lacks {part!r}"
        for name in wanted
        if name in told
        for part in ("**What happened.**", "**What to do.**")
        if part not in told[name]
    ]
    return missing + stale + wrong + mute


def test_every_error_is_explained_as_it_is() -> None:
    assert complaints(PAGE, callers_errors()) == []


class Sample(Refusal):
    """Stands for an error class that somebody adds."""

    status = 418
    code = "teapot"


GOOD = """# Page

## sample

Status `418`, type `invalid_request_error`, code `teapot`

**What happened.** x

**What to do.** y
"""


def test_the_checker_accepts_a_right_section() -> None:
    assert complaints(GOOD, [Sample]) == []


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("# Page\n", "no section"),
        (GOOD.replace("418", "400"), "does not begin with"),
        (GOOD.replace("teapot", "pot"), "does not begin with"),
        (GOOD.replace("**What to do.**", ""), "lacks"),
        (GOOD + "\n## gone\n\nx\n", "explains no error class"),
    ],
)
def test_the_checker_sees_what_is_missing_wrong_or_stale(page: str, complaint: str) -> None:
    assert [complaint in found for found in complaints(page, [Sample])] == [True]
