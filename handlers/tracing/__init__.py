"""Traces: what one press becomes, from the request to the committed row. Off unless switched on.

Nothing here imports OpenTelemetry; handlers/adapters/open_telemetry.py does, once traces are on.
"""
