"""The gateway keeps the rules, and each rule can fail."""

import pytest

from tests.architecture import rules
from tests.architecture.rules import RULES, Rule, Source, gateway_sources

LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 50

# For each rule: sources that it must refuse, and near misses that it must let pass.
BROKEN: list[tuple[Rule, str, str]] = [
    (rules.files_are_short, "gateway/a.py", "x = 1\n" * 401),
    (rules.functions_are_short, "gateway/a.py", LONG_FUNCTION),
    (rules.functions_are_short, "gateway/a.py", "class A:\n    async " + LONG_FUNCTION.replace("\n", "\n    ").rstrip()),
    (rules.modules_say_what_lives_in_them, "gateway/a.py", "x = 1\n"),
    (rules.modules_say_what_lives_in_them, "gateway/a/__init__.py", ""),
    (rules.modules_say_what_lives_in_them, "gateway/a.py", '"""  """\n'),
    (rules.names_say_something, "gateway/web/utils.py", ""),
    (rules.names_say_something, "gateway/common/a.py", ""),
    (rules.names_say_something, "gateway/web/routes_v2.py", ""),
    (rules.no_type_checking_blocks, "gateway/a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import b\n"),
    (rules.no_type_checking_blocks, "gateway/a.py", "import typing\nif typing.TYPE_CHECKING:\n    import b\n"),
    (rules.no_globals_rebound, "gateway/a.py", "x = 1\ndef f():\n    global x\n    x = 2\n"),
    (rules.heavy_packages_load_late, "gateway/a.py", "import torch.nn\n"),
    (rules.heavy_packages_load_late, "gateway/a.py", "try:\n    from faiss import Index\nexcept ImportError:\n    pass\n"),
    (rules.heavy_packages_load_late, "gateway/a.py", "class A:\n    import onnxruntime\n"),
    (rules.broad_excepts_are_few, "gateway/a.py", "try:\n    f()\nexcept Exception:\n    pass\n"),
    (rules.broad_excepts_are_few, "gateway/a.py", "try:\n    f()\nexcept (OSError, BaseException):\n    pass\n"),
    (rules.broad_excepts_are_few, "gateway/a.py", "try:\n    f()\nexcept:\n    pass\n"),
    (
        rules.broad_excepts_are_few,
        "gateway/a.py",
        "try:\n    f()\nexcept Exception:\n    if g():\n        raise\n    h()\n",
    ),
    (rules.broad_excepts_are_few, "gateway/web/body.py", "with contextlib.suppress(Exception):\n    f()\n"),
    (rules.tasks_start_in_one_place, "gateway/a.py", "asyncio.create_task(f())\n"),
    (rules.tasks_start_in_one_place, "gateway/a.py", "loop = asyncio.get_running_loop()\nloop.create_task(f())\n"),
    (rules.tasks_start_in_one_place, "gateway/a.py", "async def f():\n    async with TaskGroup() as g:\n        pass\n"),
    (rules.markers_are_not_raised, "gateway/a.py", "raise Refusal('no')\n"),
    (rules.markers_are_not_raised, "gateway/a.py", "raise errors.GatewayError('no') from None\n"),
]
SOUND: list[tuple[Rule, str, str]] = [
    (rules.files_are_short, "gateway/a.py", "x = 1\n" * 400),
    (rules.functions_are_short, "gateway/a.py", LONG_FUNCTION.removesuffix("    x = 1\n")),
    (rules.modules_say_what_lives_in_them, "gateway/a.py", '"""What lives here."""\n'),
    (rules.names_say_something, "gateway/core/database.py", ""),
    (rules.names_say_something, "gateway/core/__init__.py", ""),
    (rules.no_globals_rebound, "gateway/a.py", "def f():\n    def g():\n        nonlocal x\n    x = 1\n"),
    (rules.heavy_packages_load_late, "gateway/a.py", "def f():\n    import torch\n"),
    (rules.heavy_packages_load_late, "gateway/a.py", "import torchless\n"),
    (rules.broad_excepts_are_few, "gateway/a.py", "try:\n    f()\nexcept (OSError, ValueError):\n    pass\n"),
    (rules.broad_excepts_are_few, "gateway/pipeline.py", "try:\n    f()\nexcept Exception:\n    pass\n"),
    (rules.broad_excepts_are_few, "gateway/a.py", "try:\n    f()\nexcept BaseException:\n    g()\n    raise\n"),
    (rules.tasks_start_in_one_place, "gateway/telemetry/tasks.py", "loop.create_task(f())\n"),
    (rules.tasks_start_in_one_place, "gateway/a.py", "tasks.spawn(f())\n"),
    (rules.markers_are_not_raised, "gateway/a.py", "raise WrongKey('no')\n"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_gateway_keeps_the_rule(rule: Rule) -> None:
    sources = gateway_sources()
    assert len(sources) > 10
    assert [complaint for source in sources for complaint in rule(source)] == []


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_a_broken_sample_is_refused(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), SOUND)
def test_a_sound_sample_passes(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text))) == []


def test_every_rule_is_known_to_fail() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)
