"""Builds the deployment: CloudFormation template, zip, SBOM and manifest (-m infra.package)."""
