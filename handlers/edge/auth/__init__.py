"""Authentication: bearer JWTs."""

from handlers.deferred_package import defer

# With cryptography, which it imports for HS256 as well. A plain token needs neither (hs256.py).
defer("jwt")
