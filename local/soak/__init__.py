"""The soak: the whole system under a steady load, and whether its size stays bounded."""
