-- Renew epoch: this run of the server has every campaign again.
--
-- KEYS  1 epoch  string (see begin_epoch.lua)
-- ARGV  1 run_id of this server  2 run_id on which the campaigns were restored ("" and "" without
--       epochs)  3 token of this rebuild
-- Returns 1, or 0 when the server restarted, was flushed, or another rebuild took over since.
-- include epoch/is_current.lua
local epoch = redis.call('GET', KEYS[1])
if ARGV[1] ~= ARGV[2] or not epoch then
  return 0
end
if epoch == 'rebuilding:' .. ARGV[3] then
  redis.call('SET', KEYS[1], ARGV[1] ~= '' and ARGV[1] or 'hidden')
  return 1
end
return is_current(epoch, ARGV[1]) and 1 or 0
