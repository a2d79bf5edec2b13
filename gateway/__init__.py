"""Fleetgate: an LLM gateway for fleets of AI agents."""

from typing import Final

__version__: Final = "0.1.0"
