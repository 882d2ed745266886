"""Estimates what a large sale needs and costs on AWS: `python -m infra.cost --help`."""
