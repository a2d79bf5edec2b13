"""The nouns of the gateway: pure, synchronous, no I/O and no third-party imports."""
