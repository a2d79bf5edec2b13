"""The steps of the way: one file a stage, and the lists of their order: `order` for chats, `passage_order` for the rest."""

from gateway.core.clock import Clock
from gateway.routing.health import Health
from gateway.stages.admit import Admit, Carried
from gateway.stages.call import Call
from gateway.stages.forward import Forward
from gateway.stages.identify import Identify
from gateway.stages.meter import Meter
from gateway.stages.read import Read
from gateway.stages.report import Report
from gateway.stages.tally import Tally
from gateway.stages.trace import Trace
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tasks import Tasks

Stages = tuple[Trace, Admit, Identify, Read, Meter, Report, Call]
PassageStages = tuple[Trace, Admit, Identify, Read, Tally, Forward]


def order(metrics: Metrics, inflight: Carried, clock: Clock, health: Health, tasks: Tasks) -> Stages:
    """THE ORDER."""
    return (
        Trace(metrics, clock),  # first in, last out: sees every call whole
        Admit(inflight),
        Identify(),
        Read(),  # after Identify: who has no key makes us parse nothing
        Meter(),  # settles before whatever needs the usage
        Report(health, clock),  # right before Call: what it learns, the next call's choice of a target needs
        Call(health, clock, tasks),
    )


def passage_order(metrics: Metrics, inflight: Carried, clock: Clock, health: Health) -> PassageStages:
    """The same for what is no chat: no chain, and no estimates."""
    return (Trace(metrics, clock), Admit(inflight), Identify(), Read(), Tally(), Forward(clock, health))
