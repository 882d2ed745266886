-- Begin epoch: mark an unknown epoch as being rebuilt, so that the last step detects whether Redis
-- has lost everything again in between.
--
-- KEYS  1 epoch  string  the history that migrate or rebuild has seen, or "rebuilding:…"
-- ARGV  1 "1" to compare the epoch with this server's history, or ""  2 token of this rebuild
-- Returns 0 when the epoch is known and stays, else 1; -1 when this server is a replica
-- include epoch/is_current.lua
-- include epoch/being_rebuilt.lua
if is_current(redis.call('GET', KEYS[1]), ARGV[1]) then
  return 0
end
local mine = being_rebuilt(ARGV[2], ARGV[1])
if not mine then
  return -1
end
redis.call('SET', KEYS[1], mine)
return 1
