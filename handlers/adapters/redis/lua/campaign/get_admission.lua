-- Get admission: what Redis knows about one applicant. Reads only.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 user id   2 "1" to check the epoch, or ""
-- Returns {NOT_FOUND | STALE | NOT_APPLIED, 0, ""} or {APPLIED, serial, admitted_at_ms or ""}
--   (admitted_at_ms only while pending; afterwards MySQL has it)
-- include epoch/why_closed.lua
-- include epoch/is_incomplete.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local closed = why_closed(epoch, ARGV[2])
if closed then
  return {closed, 0, ''}
end
local serial = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not serial then
  if is_incomplete(KEYS[2], KEYS[3], KEYS[4]) then
    return {'STALE', 0, ''}
  end
  return {'NOT_APPLIED', 0, ''}
end
return {'APPLIED', tonumber(serial), redis.call('ZSCORE', KEYS[5], ARGV[1]) or ''}
