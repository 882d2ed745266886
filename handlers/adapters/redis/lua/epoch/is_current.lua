-- Included: is this value of coupon:epoch of this run of the server? Reads nothing.
--
-- `epoch`   what the key holds: false, "rebuilding:<token>", or the run_id that migrate or rebuild saw
-- `run_id`  of this server, or "" to skip the comparison
local function is_current(epoch, run_id)
  return epoch and string.sub(epoch, 1, 11) ~= 'rebuilding:' and (run_id == '' or epoch == run_id)
end
