"""Builds what is deployed: CloudFormation template, zip and manifest (python -m infra.package)."""
