"""Runs a stage on real servers under faults, records every call, and compares it with the laws."""
