"""The order in which a chain's targets are asked: by priority, and within one by weighted chance. Pure."""

from collections.abc import Callable, Sequence
from math import log1p

from gateway.core.catalog import Target


def ranked(targets: Sequence[Target], draw: Callable[[], float]) -> list[Target]:
    """Lower priorities first; within one the first by weight, the second by the weight of those left, and so on.

    Each target draws the time of its arrival from an exponential distribution of rate `weight`; the earliest is first with
    the probability of its share (Efraimidis and Spirakis, 2006). `draw` gives numbers from [0, 1).
    """
    if len(targets) == 1:
        return [targets[0]]
    return sorted(targets, key=lambda target: (target.priority, _arrival(target, draw())))


def _arrival(target: Target, chance: float) -> float:
    return -log1p(-chance) / target.weight
