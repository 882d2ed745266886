"""What comes from others: known vulnerabilities of locked packages, digests of container images."""
