-- Winners if closed: the winners of a campaign that admits no applicant any more. Reads only.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""  2 the highest number of winners that is worth sending
-- Returns {SOLD_OUT or CLOSED, winner, …}, or {"OPEN"} where an applicant may still be admitted,
-- soon may again (announce_return.lua, push.lua, a release), or there are more winners than that.
-- include epoch/why_closed.lua
-- include epoch/is_incomplete.lua
-- include admission/next_serial.lua
-- include admission/released.lua
local campaign = redis.call('HMGET', KEYS[1], 'quantity', 'closes_at_ms', 'epoch',
  'returning_until_ms', 'places_returned', 'releases', 'widening_until_ms')
if why_closed(campaign[3], ARGV[1])
  or is_incomplete(KEYS[2], KEYS[3], KEYS[4])
  or redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[2]) then
  return {'OPEN'}
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local quantity, closes_at_ms = tonumber(campaign[1]), tonumber(campaign[2])
local outcome = 'SOLD_OUT'
if now_ms < tonumber(campaign[7] or '0') then
  return {'OPEN'}
elseif now_ms >= closes_at_ms then
  outcome = 'CLOSED'
elseif now_ms < tonumber(campaign[4] or '0') then
  return {'OPEN'}
elseif redis.call('EXISTS', KEYS[4]) == 1 then
  return {'OPEN'}
else
  local by_now, next_release_ms = released(campaign[6], quantity, closes_at_ms, now_ms)
  local limit = (next_release_ms and quantity or by_now) + tonumber(campaign[5] or '0')
  if next_serial(KEYS[2], tonumber(redis.call('GET', KEYS[3])), limit) then
    return {'OPEN'}
  end
end
return {outcome, unpack(redis.call('ZRANGE', KEYS[2], 0, -1))}
