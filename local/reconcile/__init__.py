"""What `python -m local.reconcile` shows."""
