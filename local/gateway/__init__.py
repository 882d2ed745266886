"""API Gateway, locally: its event, its response, its routes."""
