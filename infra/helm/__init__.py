"""The Helm chart in `seonchak/`, and what checks it."""
