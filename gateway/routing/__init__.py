"""Which target answers a call: the order of a chain, the health of its targets, and what follows a failure."""
