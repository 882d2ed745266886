-- Return places: raise what may be given by the places that MySQL has returned.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""
--       2 places_returned before these returns   3 and after them
--       4 how long an announcement lasts, in ms (see announce_return.lua)
--       5 "1" where the caller has announced this, and waited until no process has a rejection; or ""
--       6… pairs: user, serial of each coupon among them that its user gave back
-- Returns {NOT_FOUND} or {STALE}, else {DONE | OTHER | WAIT, places_returned}
--   OTHER  these are not the next returns: they are done, or earlier ones are missing
--   WAIT   announced; the caller comes again
--
-- Returns are done in their order, so the number says which are done. It is absolute, so each may be
-- sent again. A coupon that was given back is held by a blank and its serial, which is no user id: the
-- user may apply again, and no applicant gets that serial.
-- While a process has SOLD_OUT in its cache, no applicant may be admitted: the winner could read it.
-- Where a serial is free none has.
-- include epoch/why_closed.lua
-- include epoch/is_incomplete.lua
-- include admission/next_serial.lua
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'quantity', 'places_returned',
  'returning_until_ms')
local closed = why_closed(campaign[1], ARGV[1])
  or is_incomplete(KEYS[2], KEYS[3], KEYS[4]) and 'STALE'
if closed then
  return {closed}
end
local places = tonumber(campaign[3] or '') or 0
if places ~= tonumber(ARGV[2]) then
  return {'OTHER', places}
end
for i = 6, #ARGV, 2 do
  local user, serial = ARGV[i], tonumber(ARGV[i + 1])
  redis.call('ZADD', KEYS[2], serial, ' ' .. ARGV[i + 1])
  redis.call('LREM', KEYS[4], 0, ARGV[i + 1])
  -- A user who was erased since the caller has read the row holds it under the pseudonym.
  for _, holder in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], serial, serial)) do
    if holder == user or string.sub(holder, 1, 7) == 'erased-' then
      redis.call('ZREM', KEYS[2], holder)
      redis.call('ZREM', KEYS[5], holder)
    end
  end
end

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local announced_until_ms = tonumber(campaign[4] or '') or 0
local count, limit = tonumber(redis.call('GET', KEYS[3])), tonumber(campaign[2]) + places
local is_sold_out = redis.call('EXISTS', KEYS[4]) == 0 and not next_serial(KEYS[2], count, limit)
if is_sold_out and (ARGV[5] ~= '1' or now_ms >= announced_until_ms) then
  local until_ms = math.max(announced_until_ms, now_ms + ARGV[4])
  redis.call('HSET', KEYS[1], 'returning_until_ms', string.format('%.0f', until_ms))
  return {'WAIT', places}
end
redis.call('HSET', KEYS[1], 'places_returned', ARGV[3])
return {'DONE', tonumber(ARGV[3])}
