"""What a user sees of a bad file: everything at once, the place, the line, a caret, the fix first."""

from pathlib import Path

import pytest

from gateway.config.inputs import Inputs
from gateway.config.load import examine
from gateway.config.problems import Finding, Problem, Severity, dotted, headline, in_order, render
from tests.unit.config.folders import loaded, look, only, told

BAD = """\
server:
  lisen: 127.0.0.1:1
  drain: 30
  workers: ${WORKERS}
  in_flight: 0
providers:
  a: { wire: opnai, base_url: foo }
  b: { wire: echo, timeouts: { conect: 1s } }
tiers: [ cheap ]
tenants:
  t:
    limits: [ { requests: 600/mn }, {} ]
    bodies: some
    keys:
      - { name: a, key: "${NOPE}" }
models:
  x: b/x
  y: 7
  y: b/y
"""

SEEN = """\
config.yaml:2:3: did you mean 'listen'? (unknown key 'lisen')
    2 |   lisen: 127.0.0.1:1
      |   ^^^^^
config.yaml:3:10: write a duration such as 500ms, 30s, 10m or 1h (found '30')
    3 |   drain: 30
      |          ^^
config.yaml:4:12: write a whole number (found '${WORKERS}', whose value does not fit)
    4 |   workers: ${WORKERS}
      |            ^^^^^^^^^^
config.yaml:5:14: write at least 1 (found '0')
    5 |   in_flight: 0
      |              ^
config.yaml:7:14: did you mean 'openai'? (found 'opnai')
    7 |   a: { wire: opnai, base_url: foo }
      |              ^^^^^
config.yaml:7:31: write a URL such as https://api.openai.com/v1 (found 'foo')
    7 |   a: { wire: opnai, base_url: foo }
      |                               ^^^
config.yaml:8:32: did you mean 'connect'? (unknown key 'conect')
    8 |   b: { wire: echo, timeouts: { conect: 1s } }
      |                                ^^^^^^
config.yaml:9:8: write a mapping of keys (found several values)
    9 | tiers: [ cheap ]
      |        ^^^^^^^^^
config.yaml:12:27: write a rate such as 600/min or 2M/min (per s, min, h, day, week or month) (found '600/mn')
   12 |     limits: [ { requests: 600/mn }, {} ]
      |                           ^^^^^^
config.yaml:12:37: write one of requests, tokens and concurrent in each entry, as { requests: 600/min } (found several values)
   12 |     limits: [ { requests: 600/mn }, {} ]
      |                                     ^^
config.yaml:13:13: write one of off, metadata, redacted, full (found 'some')
   13 |     bodies: some
      |             ^^^^
config.yaml:15:25: set NOPE, or give it a default: ${NOPE:-...} (the environment variable 'NOPE' is not set)
   15 |       - { name: a, key: "${NOPE}" }
      |                         ^^^^^^^^^
config.yaml:18:6: write a mapping of keys (found '7')
   18 |   y: 7
      |      ^
config.yaml:19:3: remove one of the two (the key 'y' stands in line 18 already)
   19 |   y: b/y
      |   ^"""


def test_all_errors_are_told_at_once_each_at_its_place(tmp_path: Path) -> None:
    assert told(look(tmp_path, BAD, {"WORKERS": "many"}), tmp_path) == SEEN


def test_references_between_parts_are_checked_beside_wrong_values(tmp_path: Path) -> None:
    text = "server: { drain: 5 }\nproviders: { echo: { wire: echo } }\nmodels: { a: ecko/x }\n"
    assert told(look(tmp_path, text), tmp_path) == (
        "config.yaml:1:18: write a duration such as 500ms, 30s, 10m or 1h (found '5')\n"
        "    1 | server: { drain: 5 }\n"
        "      |                  ^\n"
        "config.yaml:3:14: did you mean 'echo'? (there is no provider 'ecko'; there are: echo)\n"
        "    3 | models: { a: ecko/x }\n"
        "      |              ^^^^^^"
    )


def test_a_wrong_entry_does_not_make_others_look_wrong(tmp_path: Path) -> None:
    text = "providers: { echo: 7 }\nmodels: { a: echo/x }\n"
    assert only(look(tmp_path, text)).key == "providers.echo"


@pytest.mark.parametrize(
    ("text", "line", "column", "fragment"),
    [
        ("models: [", 1, 9, "this is not YAML"),
        ("models: [\n\n\n", 1, 9, "this is not YAML"),
        ("a: 'x\n\nb: 1\n", 1, 4, "quoted scalar"),
        ("server: a: b", 1, 10, "mapping values"),
        ("\tserver: {}", 1, 1, "cannot start any token"),
        ("server: {}\n---\nserver: {}", 2, 1, "single document"),
        ("server: \x07", 1, 9, "may not stand in YAML"),
        ("- server", 1, 1, "a mapping of keys"),
        ("server: { listen: !!python/object x }", 1, 19, "127.0.0.1:8080"),
        ("server: { listen: !my x }", 1, 19, "means nothing here"),
        ("server: { ? [a] : 1 }", 1, 13, "text as a key"),
        ("server: &a [ *a ]", 1, 9, "nested too deeply"),
        ("server: &a [ *a, *a, *a ]", 1, 9, "nested too deeply"),
        ("server: &a { <<: [ *a, *a, *a ] }", 1, 9, "nested too deeply"),
        ("server: { listen: *nobody }", 1, 19, "undefined alias"),
    ],
)
def test_what_is_not_our_yaml_has_a_place(tmp_path: Path, text: str, line: int, column: int, fragment: str) -> None:
    problem = next(one for one in look(tmp_path, text).problems if one.severity is Severity.ERROR)
    assert fragment in render(problem)
    assert (problem.line, problem.column) == (line, column)


def test_bytes_that_are_not_utf_8_have_a_place(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"server:\n  listen: \xff\n")
    assert headline(only(examine(Inputs(path, {})))) == f"{path}:2:11: save it as UTF-8 (this is not UTF-8)"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "nope.yaml"
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "of-another-file.yaml").write_text("policy: [\n")
    (problem,) = examine(Inputs(path, {})).problems
    assert headline(problem).startswith(f"{path}: write one with `fleetgate init {path}`, or name another with --config")


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    assert headline(only(examine(Inputs(tmp_path, {})))).startswith(f"{tmp_path}: name a file, such as {tmp_path}/config.yaml")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("server:\n\tlisten: 127.0.0.1:1\n", "indent with spaces"),
        ("a: [ 1, 2\nb: 3\n", "close the bracket of line 1"),
        ("server: {}\n---\nmodels: {}\n", "keep one document in the file"),
        ("providers: { a: { api_keys: [ ${KEY} ] } }\n", "put a reference between brackets in quotes"),
        ("- server\n", "begin with a key such as `providers:`"),
    ],
)
def test_the_usual_slips_of_yaml_come_with_their_remedy(tmp_path: Path, text: str, remedy: str) -> None:
    assert only(look(tmp_path, text)).hint.startswith(remedy)


def test_a_host_for_all_without_a_file_is_told_where_keys_would_stand() -> None:
    (problem,) = examine(Inputs(None, {}, host="0.0.0.0")).problems
    assert headline(problem).startswith("command line: begin a configuration with `fleetgate init`")


def test_a_reference_without_quotes_in_brackets_is_explained(tmp_path: Path) -> None:
    examined = look(tmp_path, "auth: { pepper: [ ${PEPPER} ] }")
    assert "in quotes" in only(examined).hint


def test_the_caret_keeps_to_the_line_and_under_tabs() -> None:
    wide = Problem("c", 1, 5, "m", width=100, excerpt="ab\tc value")
    assert render(wide).splitlines()[-1] == "      |   \t ^^^^^^"
    assert render(Problem("c", 1, 40, "m", excerpt="short")).splitlines()[-1].endswith("^")


def test_warnings_and_notes_say_so_and_come_after_errors() -> None:
    note = Problem("c", 1, 1, "n", severity=Severity.NOTE)
    warning = Problem("c", 2, 1, "w", "do it", Severity.WARNING)
    error = Problem("c", 3, 1, "e")
    assert in_order([note, warning, error]) == [error, warning, note]
    assert headline(warning) == "c:2:1: warning: do it (w)"


def test_a_key_is_written_as_people_do() -> None:
    assert dotted(("tenants", "acme", "keys", 0, "key")) == "tenants.acme.keys[0].key"
    assert Finding(("a",), "m").severity is Severity.ERROR


def test_anchors_and_merged_mappings_work(tmp_path: Path) -> None:
    text = """
providers:
  a: &a { wire: echo, script: { chunk: 2 } }
  b: { <<: *a, script: { chunk: 3 } }
  c: { <<: [ *a ], timeouts: { connect: 1s } }
models: { "*": a/* }
"""
    specs = loaded(tmp_path, text).snapshot.providers
    assert [dict(specs[name].script)["chunk"] for name in "abc"] == ["2", "3", "2"]
    assert (specs["c"].wire, specs["c"].timeouts.connect_s) == ("echo", 1.0)


@pytest.mark.parametrize("text", ["", "# nothing\n", "''", "server:\nproviders:\nmodels:\ntenants:\n", "\ufeffserver: {}\n"])
def test_an_empty_file_and_empty_sections_mean_the_defaults(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).listen == ("127.0.0.1", 8080)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("models: { a: { chain: [ { target: e/x, priority: 9999 } ] } }", "write at most 1000"),
        ("models: { a: { chain: [ { target: e/x, weight: none } ] } }", "write a whole number"),
        ("models: { a: echo/x }", "add it under providers: echo: { wire: echo }"),
        ("tenants: { t: { budgets: [ {} ] } }", "write one of usd and tokens in each entry, as { usd: 200/day }"),
        ("tiers: { cheap: { a: b } }", "write a list"),
        ("tenants: { t: { models: [ 4 ] } }", "write text, in quotes if need be"),
    ],
)
def test_a_wrong_value_anywhere_says_what_to_write(tmp_path: Path, text: str, hint: str) -> None:
    assert only(look(tmp_path, f"providers: {{ e: {{ wire: echo }} }}\n{text}\n")).hint == hint
