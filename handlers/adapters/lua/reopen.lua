-- Reopen: declare what stands here complete, and open the campaign on this run of the server.
--
-- KEYS  1 campaign  hash
-- ARGV  1 run_id of this server  2 run_id on which the campaign was restored ("" and "" without
--       epochs)  3 quantity  4 opens_at_ms  5 closes_at_ms  6 name
-- Returns OPENED, or STALE when the server restarted since: what was restored may be gone again.
--
-- The last step of restoring a campaign: from here on new serials are given.
if ARGV[1] ~= ARGV[2] then
  return 'STALE'
end
redis.call('HSET', KEYS[1], 'quantity', ARGV[3], 'opens_at_ms', ARGV[4], 'closes_at_ms', ARGV[5],
  'name', ARGV[6], 'epoch', ARGV[1])
return 'OPENED'
