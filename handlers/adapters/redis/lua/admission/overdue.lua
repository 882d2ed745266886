-- Overdue: admissions that have been pending for too long, oldest first. Reads only.
--
-- KEYS  1 campaign  2 applied_user  3 pending (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""  2 age in ms from which one is overdue
--       3 how many to skip  4 how many to return at most
-- Returns {NOT_FOUND} or {STALE}, else {OK, fence, user, serial, admitted_at_ms, user, …}
--
-- An admission from the future was made before the clock was set back, or by a server whose clock
-- was ahead. Its age is unknown, so it is overdue at once, after all others.
-- include epoch/why_closed.lua
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'fence')
local closed = why_closed(campaign[1], ARGV[1])
if closed then
  return {closed}
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local latest_ms, skip, left = now_ms - ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local result = {'OK', tonumber(campaign[2] or '0')}

local function add(lowest, highest)
  local found = redis.call('ZRANGE', KEYS[3], lowest, highest, 'BYSCORE', 'LIMIT', skip, left,
    'WITHSCORES')
  for i = 1, #found, 2 do
    local serial = redis.call('ZSCORE', KEYS[2], found[i])
    if serial then
      result[#result + 1] = found[i]
      result[#result + 1] = tonumber(serial)
      result[#result + 1] = tonumber(found[i + 1])
    end
  end
  left = left - #found / 2
end

add('-inf', latest_ms)
if left > 0 then
  skip = math.max(0, skip - redis.call('ZCOUNT', KEYS[3], '-inf', latest_ms))
  add('(' .. string.format('%.0f', now_ms), '+inf')
end
return result
