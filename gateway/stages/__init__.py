"""The steps of the way: one file a stage, and `order`, the one list in which they stand."""

from gateway.core.clock import Clock
from gateway.stages.admit import Admit, Carried
from gateway.stages.call import Call
from gateway.stages.identify import Identify
from gateway.stages.meter import Meter
from gateway.stages.read import Read
from gateway.stages.trace import Trace
from gateway.telemetry.metrics import Metrics

Stages = tuple[Trace, Admit, Identify, Read, Meter, Call]


def order(metrics: Metrics, inflight: Carried, clock: Clock) -> Stages:
    """THE ORDER."""
    return (
        Trace(metrics, clock),  # first in, last out: sees every call whole
        Admit(inflight),
        Identify(),
        Read(),  # after Identify: who has no key makes us parse nothing
        Meter(),  # settles before whatever needs the usage, and so stands right before Call
        Call(clock),
    )
