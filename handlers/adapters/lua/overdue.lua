-- Overdue: admissions that have been pending for too long, oldest first. Reads only.
--
-- KEYS  1 campaign  2 applied_user  3 pending (see admit.lua)
-- ARGV  1 run_id, or "" to skip the check  2 age in ms from which one is overdue
--       3 how many to pass over  4 how many to return at most
-- Returns {NOT_FOUND} or {STALE}, else {OK, user, serial, admitted_at_ms, user, …}
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  return {'NOT_FOUND'}
end
if ARGV[1] ~= '' and epoch ~= ARGV[1] then
  return {'STALE'}
end
local time = redis.call('TIME')
local latest_ms = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[2]
local found = redis.call('ZRANGE', KEYS[3], '-inf', latest_ms, 'BYSCORE', 'LIMIT', ARGV[3], ARGV[4],
  'WITHSCORES')
local answer = {'OK'}
for i = 1, #found, 2 do
  local serial = redis.call('ZSCORE', KEYS[2], found[i])
  if serial then
    answer[#answer + 1] = found[i]
    answer[#answer + 1] = tonumber(serial)
    answer[#answer + 1] = tonumber(found[i + 1])
  end
end
return answer
