"""The one door to the network: HTTP clients behind one contract."""
