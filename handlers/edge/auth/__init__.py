"""Authentication: bearer JWTs."""
