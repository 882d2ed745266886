-- Renew the epoch: this run of the server knows every campaign again.
--
-- KEYS  1 epoch  string
-- ARGV  1 run_id of this server  2 run_id on which the campaigns were restored ("" and "" without
--       epochs)
-- Returns 1, or 0 when the server restarted since.
if ARGV[1] ~= ARGV[2] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1] ~= '' and ARGV[1] or 'hidden')
return 1
