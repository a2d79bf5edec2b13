"""Who calls: keys and what they stand for."""
