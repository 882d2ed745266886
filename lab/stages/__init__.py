"""The nine stages. Each file can be read alone: apply, consume, and the tables that they need."""
