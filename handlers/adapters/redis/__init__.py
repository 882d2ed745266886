"""Redis: admissions, campaigns, rebuild and reconciliation, each with its Lua scripts."""

from handlers.deferred_package import defer

defer("redis.asyncio")
