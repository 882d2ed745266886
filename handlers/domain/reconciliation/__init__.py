"""Reconciliation: compare Redis with MySQL, name the differences, repair the safe ones."""
