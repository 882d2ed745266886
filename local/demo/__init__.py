"""The parts of `python -m local.demo`: many users, an API, and checks of the outcome."""
