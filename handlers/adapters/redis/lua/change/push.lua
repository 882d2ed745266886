-- Push: let an open campaign be as MySQL has it, after a change there.
--
-- KEYS  1 campaign  hash  change: noted by narrow.lua, until MySQL has it or refuses it
--                         widening_until_ms: until then no process remembers a rejection
-- ARGV  1 "1" to check the epoch, or ""
--       2 version  3 quantity  4 closes_at_ms of the row in MySQL
--       5 a noted change that MySQL has refused, or ""
--       6 for how many ms a process may remember a rejection
--       7… the fields of the hash, each with its value (campaign_hash.py)
-- Returns {NOT_FOUND} | {STALE}; {PUSHED}; {NEWER}: a later version is here; {BUSY}: a change of
--   this very version is noted; {WAIT, ms}: send it again after this time
--
-- A quantity or an end that grows lets a campaign admit again. A process may still remember that it
-- rejects all but its winners, and a new winner must not read that (rejection_cache.py). So first no
-- process remembers a rejection any more (winners_if_closed.lua), then the campaign grows.
-- include epoch/why_closed.lua
-- Longer than a caller waits; a caller that was killed does not keep it up for long.
local ANNOUNCED_MS = 10000
local c = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'change', 'quantity', 'closes_at_ms',
  'widening_until_ms')
local closed = why_closed(c[1], ARGV[1])
if closed then
  return {closed}
end
local version, its_version = tonumber(c[2] or '1'), tonumber(ARGV[2])
if version > its_version then
  return {'NEWER'}
end
if version == its_version and c[3] and c[3] ~= ARGV[5] then
  return {'BUSY'}
end
if tonumber(ARGV[3]) > tonumber(c[4]) or tonumber(ARGV[4]) > tonumber(c[5]) then
  local time = redis.call('TIME')
  local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  local until_ms, remembered_ms = tonumber(c[6] or '0'), tonumber(ARGV[6])
  local wait_ms = until_ms - ANNOUNCED_MS + remembered_ms - now_ms
  -- Also where the clock was set back since then.
  if now_ms >= until_ms or wait_ms > remembered_ms then
    until_ms, wait_ms = now_ms + ANNOUNCED_MS, remembered_ms
    redis.call('HSET', KEYS[1], 'widening_until_ms', until_ms)
  end
  if wait_ms > 0 then
    return {'WAIT', wait_ms}
  end
end
redis.call('HSET', KEYS[1], unpack(ARGV, 7))
redis.call('HDEL', KEYS[1], 'change', 'widening_until_ms')
return {'PUSHED'}
