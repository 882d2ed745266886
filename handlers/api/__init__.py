"""The description of the HTTP interface (OpenAPI 3.1): one file for each group of routes.

Imported for GET /openapi.json and by programs only: no other call pays for it.
"""
