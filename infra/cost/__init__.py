"""What a big day needs and costs on AWS, on paper: `python -m infra.cost --help`."""
