-- Begin: mark a closed campaign as being rebuilt, so that the end can tell whether Redis has lost
-- everything once more in between.
--
-- KEYS  1 campaign  hash  rebuild: the token of the rebuild that is at work
-- ARGV  1 token
-- Returns 1
redis.call('HSET', KEYS[1], 'rebuild', ARGV[1])
return 1
