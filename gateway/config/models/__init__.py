"""What may stand in config.yaml and in policies/*.yaml: every key with its default, its unit and its sentence."""

from gateway.config.models.policy import Policy
from gateway.config.models.root import Config

__all__ = ["Config", "Policy"]
