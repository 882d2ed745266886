"""The nine stages. Each file stands alone: apply, consume, and the tables that they need."""
