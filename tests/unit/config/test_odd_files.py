"""What stands where a file should and is none, or cannot be read: refused with its reason, once, and watching goes on."""

import asyncio
import errno
import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.inputs import Inputs, find_config
from gateway.config.live import Change
from gateway.config.load import Examined, examine
from gateway.config.problems import headline
from tests.unit.config.folders import ECHO, look, only
from tests.unit.config.living import OTHER, Root, following, heard, live_on, target

LONG = "a" * 300
TLS = "providers: {{ o: {{ api_keys: x, ca_file: {} }}, echo: {{ wire: echo }} }}\nmodels: {{ echo: echo/echo }}\n"
with_rights = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")


async def looked(inputs: Inputs, *, pipe: bool = True) -> Examined:
    """Looks in a thread: what blocks there fails by its time, and not the whole run."""
    async with asyncio.timeout(5):
        return await asyncio.to_thread(examine, inputs, pipe=pipe)


def opened(pipe: Path) -> None:
    """Lets go of a reader that waits at the pipe, so that a failing test ends."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        assert error.errno == errno.ENXIO


# ---------------------------------------------------------------- watching goes on


@pytest.mark.parametrize(
    "text",
    [
        TLS.format(LONG),
        TLS.format('"a\\0b"'),
        f"policies: {LONG}\n{OTHER}",
        f'policies: "a\\0b"\n{OTHER}',
        f'auth: {{ pepper: "file:a\\0b" }}\n{OTHER}',
        f"auth: {{ pepper: file:{LONG} }}\n{OTHER}",
        "providers: { echo: { wire: echo }, o: { api_keys: x, proxy: 'socks5://h:1' } }\nmodels: { echo: echo/other }\n",
    ],
    ids=["long ca_file", "NUL in ca_file", "long folder", "NUL in folder", "NUL in reference", "long reference", "socks"],
)
async def test_what_cannot_be_looked_at_is_refused_once_and_watching_goes_on(tmp_path: Path, text: str) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    async with following(live):
        root.fails = ImportError("socksio is not installed") if "socks5" in text else None
        path.write_text(text)
        reload = await heard(root)
        assert (reload.change, len(reload.problems)) == (Change.REFUSED, 1)
        await asyncio.sleep(0.1)
        assert len(root.reloads) == 1
        root.fails = None
        path.write_text(OTHER)
        assert (await heard(root)).change is Change.SWAPPED


async def logged(caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(10):
        while not any(record.exc_info for record in caplog.records):
            await asyncio.sleep(0.01)


async def test_an_unexpected_failure_of_one_round_is_logged_and_ends_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    async with following(live):
        root.fails = KeyError("nobody thought of it")
        path.write_text(OTHER)
        await logged(caplog)
        root.fails = None
        path.write_text(f"# again\n{OTHER}")
        assert (await heard(root)).change is Change.SWAPPED
    assert target(live) == "other"


async def test_a_look_that_failed_unexpectedly_is_taken_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    looks = iter([KeyError("nobody thought of it"), RuntimeError("can't start new thread")])

    def look_in_vain(inputs: Inputs, *, pipe: bool) -> Examined:
        for failure in looks:
            raise failure
        return examine(inputs, pipe=pipe)

    async with following(live):
        monkeypatch.setattr("gateway.config.live.examine", look_in_vain)
        path.write_text(OTHER)
        await logged(caplog)
        assert (await heard(root)).change is Change.SWAPPED


# ---------------------------------------------------------------- what is no file


def piped(path: Path) -> None:
    os.mkfifo(path)


def linked_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def listened_on(path: Path) -> None:
    os.chdir(path.parent)  # the name of a socket has to be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "reason"),
    [(piped, "a pipe"), (linked_to_a_device, "a device"), (listened_on, "a socket"), (a_folder, "directory")],
)
async def test_only_files_are_read(
    tmp_path: Path, make: Callable[[Path], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies").mkdir()
    for text, odd in (
        (ECHO, tmp_path / "policies" / "x.yaml"),
        (f"auth: {{ pepper: file:x }}\n{ECHO}", tmp_path / "x"),
        (TLS.format("x"), tmp_path / "x"),
    ):
        make(odd)
        (tmp_path / "config.yaml").write_text(text)
        looking = asyncio.ensure_future(looked(Inputs(tmp_path / "config.yaml", {})))
        try:
            await asyncio.wait([looking], timeout=5)
        finally:
            opened(odd) if make is piped else None
        problem = only(await looking)
        assert reason in problem.message.lower()
        assert "--config" not in problem.hint
        odd.rmdir() if make is a_folder else odd.unlink()


@pytest.mark.parametrize("make", [piped, a_folder])
async def test_what_is_no_file_among_the_policies_is_told_once_and_its_end_is_noticed(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    odd = tmp_path / "policies" / "x.yaml"
    odd.parent.mkdir()
    root = Root()
    live, _ = live_on(tmp_path, root)
    async with following(live):
        make(odd)
        try:
            assert (await heard(root)).change is Change.REFUSED
            await asyncio.sleep(0.1)
            assert len(root.reloads) == 1
        finally:
            opened(odd) if make is piped else None
        odd.unlink() if make is piped else odd.rmdir()
        assert (await heard(root)).change is Change.UNCHANGED


async def test_a_configuration_comes_through_a_pipe_once(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    os.mkfifo(path)
    looking = asyncio.ensure_future(looked(Inputs(path, {})))
    pipe = await asyncio.to_thread(os.open, path, os.O_WRONLY)  # waits for the reader, which waits for what is written
    await asyncio.sleep(0.05)
    os.write(pipe, ECHO.encode())
    os.close(pipe)
    first = await looking
    assert first.loaded is not None
    assert "echo" in first.loaded.snapshot.catalog.models
    assert await asyncio.to_thread(first.watched.now) == first.watched.stamps
    again = only(await looked(Inputs(path, {}), pipe=False))
    assert "a pipe" in again.message
    assert "restart" in again.hint


def test_a_file_that_becomes_a_pipe_while_it_is_opened_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def replaced(path: str, flags: int) -> int:
        if path.endswith("config.yaml"):
            Path(path).unlink()
            os.mkfifo(path)
        return real(path, flags)

    path = tmp_path / "config.yaml"
    path.write_text(ECHO)
    monkeypatch.setattr("gateway.config.files.os.open", replaced)
    assert "a pipe" in only(examine(Inputs(path, {}), pipe=False)).message


async def test_a_configuration_comes_from_no_device(tmp_path: Path) -> None:
    assert "a device" in only(await looked(Inputs(Path("/dev/zero"), {}))).message


# ---------------------------------------------------------------- what may not be read


@with_rights
async def test_a_file_that_may_not_be_read_is_told_once_and_its_release_is_noticed(tmp_path: Path) -> None:
    root = Root()
    live, path = live_on(tmp_path, root)
    async with following(live):
        path.chmod(0)
        reload = await heard(root)
        assert reload.change is Change.REFUSED
        assert reload.problems[0].hint.startswith("let this user read it")
        await asyncio.sleep(0.1)
        assert len(root.reloads) == 1
        path.chmod(0o600)
        assert (await heard(root)).change is Change.UNCHANGED


@with_rights
@pytest.mark.parametrize("policies", [[], ["a"]])
async def test_a_folder_that_may_not_be_read_is_refused_and_does_not_pass_for_empty(
    tmp_path: Path, policies: list[str]
) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    for name in policies:
        (folder / f"{name}.yaml").write_text(f"policy: {name}\n")
    root = Root()
    live, _ = live_on(tmp_path, root)
    async with following(live):
        folder.chmod(0)
        reload = await heard(root)
        assert [(one.key, one.rule) for one in reload.problems] == [("policies", "unreadable")]
        await asyncio.sleep(0.1)
        assert len(root.reloads) == 1
        folder.chmod(0o700)
        assert (await heard(root)).change is Change.UNCHANGED


@with_rights
def test_a_ca_file_in_a_folder_that_may_not_be_entered_is_told(tmp_path: Path) -> None:
    (tmp_path / "priv").mkdir(0)
    problem = only(look(tmp_path, TLS.format("priv/ca.pem")))
    assert "Permission denied" in problem.message
    assert problem.hint.startswith("let this user read it")


@with_rights
def test_a_file_here_that_cannot_be_looked_at_counts_as_there(tmp_path: Path) -> None:
    here = tmp_path / "shut"
    here.mkdir(0)
    assert find_config(None, {}, here) == here / "config.yaml"


def test_a_loop_of_links_among_the_policies_is_told_with_a_remedy_for_policies(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "x.yaml").symlink_to("x.yaml")
    problem = only(look(tmp_path, ECHO))
    assert headline(problem).startswith(f"{tmp_path}/policies/x.yaml: mend it, or take it out of the folder")


def test_a_file_that_could_not_be_opened_for_want_of_descriptors_is_tried_again(tmp_path: Path) -> None:
    assert look(tmp_path, ECHO).loaded is not None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        examined = examine(Inputs(tmp_path / "config.yaml", {}))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "Too many open files" in only(examined).message
    assert examined.watched.now() != examined.watched.stamps
