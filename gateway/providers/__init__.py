"""The vendors: wires as records of pure functions, and the one door to the network."""
