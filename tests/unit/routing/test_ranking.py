"""The order of a chain, and the budget of retries."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import Target
from gateway.routing.budget import INITIAL, MOST, RetryBudget
from gateway.routing.ranking import ranked


def target(name: str, weight: int = 1, priority: int = 1) -> Target:
    return Target(name, "m", f"{name}/m", weight, priority)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4)), min_size=1, max_size=8), st.integers())
def test_every_target_stands_once_and_lower_priorities_first(shape: list[tuple[int, int]], seed: int) -> None:
    chain = [target(f"p{at}", weight, priority) for at, (weight, priority) in enumerate(shape)]
    found = ranked(chain, random.Random(seed).random)
    assert Counter(found) == Counter(chain)
    assert [one.priority for one in found] == sorted(one.priority for one in chain)


def test_the_first_is_drawn_by_weight_and_so_is_the_second() -> None:
    chain = [target("a", 6), target("b", 3), target("c", 1)]
    draw = random.Random(7).random
    orders = Counter(tuple(one.provider for one in ranked(chain, draw)) for _ in range(20_000))
    first = Counter({name: sum(count for order, count in orders.items() if order[0] == name) for name in "abc"})
    assert [round(first[name] / 20_000, 1) for name in "abc"] == [0.6, 0.3, 0.1]
    after_a = {order[1]: count for order, count in orders.items() if order[0] == "a"}
    assert round(after_a["b"] / sum(after_a.values()), 1) in (0.7, 0.8)


def test_retries_are_a_tenth_of_the_calls_after_the_first_few() -> None:
    budget = RetryBudget()
    assert sum(budget.take() for _ in range(100)) == INITIAL
    budget.calls += 1000
    assert sum(budget.take() for _ in range(1000)) == 100
    budget.calls += 10**9
    assert sum(budget.take() for _ in range(1000)) == MOST
