-- Confirm: is this still the history that admitted an applicant?
--
-- KEYS  1 campaign  hash
-- ARGV  1 "1" to check the epoch, or ""  2 fence of the admission  3 "1" to write, or ""
-- Returns 1 when the campaign is open under this fence, else 0.
--
-- Asked after Kafka has acknowledged: a rebuild that begins later reads the record in the topic. One
-- that has begun may have read the topic before.
--
-- include epoch/why_closed.lua
-- include epoch/require_replicas.lua
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'fence')
if why_closed(campaign[1], ARGV[1]) or campaign[2] ~= ARGV[2] then
  return 0
end
require_replicas(KEYS[1])
if ARGV[3] == '1' then
  -- Changes nothing, but is replicated: the client then waits for replicas to take it (WAIT).
  redis.call('HSET', KEYS[1], 'fence', campaign[2])
end
return 1
