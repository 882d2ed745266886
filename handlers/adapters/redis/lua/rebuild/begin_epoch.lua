-- Begin epoch: mark an unknown epoch as being rebuilt, so that the last step detects whether Redis
-- has lost everything again in between.
--
-- KEYS  1 epoch  string  run_id of the server that migrate or rebuild has seen, or "rebuilding:…"
-- ARGV  1 run_id of this server, or "" without epochs  2 token of this rebuild
-- Returns 0 when the epoch is known and stays, else 1
-- include epoch/is_current.lua
if is_current(redis.call('GET', KEYS[1]), ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], 'rebuilding:' .. ARGV[2])
return 1
