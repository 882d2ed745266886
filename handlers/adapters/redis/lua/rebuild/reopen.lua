-- Reopen: mark the state as complete, and open the campaign on this run of the server.
--
-- KEYS  1 campaign  hash
-- ARGV  1 run_id of this server  2 run_id on which the campaign was restored ("" and "" without
--       epochs)  3 token of this rebuild (begin.lua)
--       4 quantity  5 opens_at_ms  6 closes_at_ms  7 name
-- Returns OPENED, or STALE when the server restarted, was flushed, or another rebuild took over
-- since: the restored state may be lost again.
--
-- The last step of restoring a campaign: from here on new serials are given.
if ARGV[1] ~= ARGV[2] or redis.call('HGET', KEYS[1], 'rebuild') ~= ARGV[3] then
  return 'STALE'
end
redis.call('HSET', KEYS[1], 'quantity', ARGV[4], 'opens_at_ms', ARGV[5], 'closes_at_ms', ARGV[6],
  'name', ARGV[7], 'epoch', ARGV[1])
redis.call('HDEL', KEYS[1], 'rebuild')
return 'OPENED'
