"""`python -m gateway` is the command `fleetgate`."""

from gateway.cli import main

main()
