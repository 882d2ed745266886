-- Reopen: declare what stands here complete, and open the campaign on this run of the server.
--
-- KEYS  1 campaign  hash
-- ARGV  1 run_id, or ""  2 quantity  3 opens_at_ms  4 closes_at_ms  5 name
-- Returns OPENED
--
-- The last step of restoring a campaign: from here on new serials are given, so all winners and
-- the count must be back before it.
redis.call('HSET', KEYS[1], 'quantity', ARGV[2], 'opens_at_ms', ARGV[3], 'closes_at_ms', ARGV[4],
  'name', ARGV[5], 'epoch', ARGV[1])
return 'OPENED'
