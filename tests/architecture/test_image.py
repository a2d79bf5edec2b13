"""What the image promises: an ordinary user, a read-only root, one state folder, signals that arrive, health without curl."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.rules import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile, its continued lines joined; `stage` counts from 0."""

    stage: int
    name: str
    value: str


def instructions(dockerfile: str) -> list[Instruction]:
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found: list[Instruction] = []
    stage = -1
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        name, _, value = line.partition(" ")
        stage += name == "FROM"
        found.append(Instruction(stage, name, " ".join(value.split())))
    return found


def complaints(dockerfile: str) -> list[str]:
    """What is wrong with the image, judged by the text alone."""
    every = instructions(dockerfile)
    last = [each for each in every if each.stage == every[-1].stage]
    names = [each.name for each in last]
    values = {each.name: each.value for each in last}
    environment = " ".join(each.value for each in last if each.name == "ENV")
    health = values.get("HEALTHCHECK", "").partition("CMD ")[2]
    installs = [each.value for each in every if "uv sync" in each.value]
    settings = [each.value for each in every if each.name in ("ENV", "ARG")]
    checks = {
        "two stages": every[-1].stage >= 1,
        "a slim base": all("slim" in each.value for each in every if each.name == "FROM"),
        "uid 1000": values.get("USER") == "1000:1000",
        "no root after USER": "USER" in names and "RUN" not in names[names.index("USER") :],
        "one state folder": values.get("VOLUME") == '["/state"]' and values.get("WORKDIR") == "/state",
        "nothing written beside it": "PYTHONDONTWRITEBYTECODE=1" in environment and "XDG_STATE_HOME=/state" in environment,
        "SIGTERM stops it": values.get("STOPSIGNAL") == "SIGTERM",
        "exec forms": all(map(exec_form, (values.get("ENTRYPOINT", ""), values.get("CMD", ""), health))),
        "health by /livez": "/livez" in health and "python" in health,
        "no tools that slim lacks": not any(re.search(r"\b(curl|wget|apt-get)\b", each.value) for each in every),
        "the versions of the lock": bool(installs) and all("--frozen" in each and "--no-dev" in each for each in installs),
        "no secrets baked in": not any(re.search(r"KEY|TOKEN|SECRET|PEPPER", each) for each in settings),
    }
    return [name for name, holds in checks.items() if not holds]


def exec_form(value: str) -> bool:
    try:
        words = json.loads(value)
    except ValueError:
        return False
    return isinstance(words, list) and all(isinstance(word, str) for word in words)


def test_the_image_keeps_its_promises() -> None:
    assert complaints(DOCKERFILE) == []


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("FROM python:${PYTHON}-slim AS build", "", "two stages"),
        ("python:${PYTHON}-slim\n", "python:${PYTHON}\n", "a slim base"),
        ("USER 1000:1000", "USER root", "uid 1000"),
        ("USER 1000:1000", "", "uid 1000"),
        ("EXPOSE 8080", "RUN chown -R 1000 /opt", "no root after USER"),
        ('VOLUME ["/state"]', 'VOLUME ["/state", "/var"]', "one state folder"),
        ("PYTHONDONTWRITEBYTECODE=1", "PYTHONDONTWRITEBYTECODE=", "nothing written beside it"),
        ("STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL", "SIGTERM stops it"),
        ('ENTRYPOINT ["fleetgate"]', "ENTRYPOINT fleetgate", "exec forms"),
        ('CMD ["python", "-c",', "CMD python -c", "exec forms"),
        ("'/livez'", "'/'", "health by /livez"),
        ("RUN groupadd", "RUN apt-get update && groupadd", "no tools that slim lacks"),
        ("uv sync --frozen", "uv sync", "the versions of the lock"),
        ("EXPOSE 8080", "ENV OPENAI_API_KEY=sk-1", "no secrets baked in"),
    ],
)
def test_a_broken_promise_is_seen(right: str, wrong: str, complaint: str) -> None:
    assert right in DOCKERFILE
    assert complaint in complaints(DOCKERFILE.replace(right, wrong))


def test_what_the_image_copies_exists_and_reaches_the_builder() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignore[1] == "*"
    passed = [line.removeprefix("!") for line in ignore if line.startswith("!")]
    copies = [each.value for each in instructions(DOCKERFILE) if each.name == "COPY" and "--from=" not in each.value]
    sources = [source.removeprefix("./") for value in copies for source in value.split()[:-1]]
    assert len(sources) > 4
    assert [source for source in sources if source not in passed or not (ROOT / source).exists()] == []


def test_the_configuration_of_the_image_is_sound(tmp_path: Path) -> None:
    done = check_image_config(tmp_path, FLEETGATE_KEY="sk-fg-0123456789abcdef0123456789abcdef")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_refuses_to_listen_to_the_world_without_a_key(tmp_path: Path) -> None:
    done = check_image_config(tmp_path)
    assert done.returncode != 0
    assert "FLEETGATE_KEY" in done.stdout + done.stderr


def check_image_config(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--config", str(ROOT / "deploy" / "image" / "config.yaml")],
        cwd=folder,
        env={**known, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
