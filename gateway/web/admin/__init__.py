"""The admin API below /fleetgate/v1: who may use it, how its errors and pages look, and its resources."""
