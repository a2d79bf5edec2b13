"""Log lines, for people and for programs."""

import json
import logging

import pytest

from gateway.telemetry.logs import FORMATS, set_up

log = logging.getLogger("fleetgate.test")


def lines(
    capsys: pytest.CaptureFixture[str], form: str, *fields: dict[str, object], error: BaseException | None = None
) -> list[str]:
    stop = set_up(form)
    try:
        for one in fields:
            log.warning("happened", extra={"fields": one}, exc_info=error)
    finally:
        stop()
        for name in ("fleetgate", "uvicorn", "asyncio"):
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = True
    return capsys.readouterr().err.splitlines()


def test_a_line_of_text_names_the_event_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(capsys, "text", {"code": "upstream_broken", "seconds": 1.5})
    assert line.endswith(" warning happened code=upstream_broken seconds=1.5")


@pytest.mark.parametrize("hostile", ["a\n2026-01-01T00:00:00Z error forged", "\x1b[2J", 'x" y=z', "\u202e"])
def test_no_value_can_look_like_another_line_or_field(capsys: pytest.CaptureFixture[str], hostile: str) -> None:
    (line,) = lines(capsys, "text", {"code": hostile})
    assert line.endswith(f" happened code={json.dumps(hostile)}")


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = [json.loads(line) for line in lines(capsys, "json", {"a": "x\ny"}, {"a": 2})]
    assert [one["a"] for one in told] == ["x\ny", 2]
    assert told[0]["event"] == "happened"


@pytest.mark.parametrize("form", FORMATS)
def test_a_traceback_is_written_before_its_frames_are_let_go(capsys: pytest.CaptureFixture[str], form: str) -> None:
    try:
        raise ZeroDivisionError("a defect")
    except ZeroDivisionError as error:
        told = "\n".join(lines(capsys, form, {}, error=error))
    assert "ZeroDivisionError: a defect" in told
    assert "test_logs.py" in told
