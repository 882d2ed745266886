"""Shows what a program's processes count to Prometheus, on a port of its own."""
