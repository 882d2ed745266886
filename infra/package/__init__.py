"""Builds the deployment: CloudFormation template, zip and manifest (python -m infra.package)."""
