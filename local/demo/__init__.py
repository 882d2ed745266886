"""The parts of `python -m local.demo`: a crowd, an API, and a verdict on what came of it."""
