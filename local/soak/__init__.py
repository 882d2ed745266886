"""The soak: the whole system under a steady load, and whether it stays the size that it has."""
