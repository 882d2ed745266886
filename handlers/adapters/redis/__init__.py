"""Redis: admissions, campaigns, rebuild and reconciliation, each with its Lua scripts."""
