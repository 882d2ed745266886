-- Begin: mark a closed campaign as being rebuilt, so that the last step detects whether Redis has
-- lost everything again in between.
--
-- KEYS  1 campaign  hash  rebuild: the token of the rebuild that is running
-- ARGV  1 token  2 run_id of this server, or "" without epochs
-- Returns 1, or 0 when the campaign is open: another process has opened it since it was found
-- closed, and users who were admitted since then must not be touched.
-- include epoch/why_closed.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not why_closed(epoch, epoch, ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'rebuild', ARGV[1])
return 1
