-- Included: may a script trust the state of a campaign? Reads nothing.
--
-- `known`   a required field of the campaign (quantity or epoch), false when it is missing
-- `epoch`   of the campaign: the run_id of the server that it was opened on
-- `run_id`  of this server as the caller's connection knows it, or "" to skip the comparison
-- Returns NOT_FOUND, or STALE when the campaign was opened on another run of the server: the last
-- second may be lost. Returns nil when the state can be trusted.
local function why_closed(known, epoch, run_id)
  if not known then
    return 'NOT_FOUND'
  end
  if run_id ~= '' and epoch ~= run_id then
    return 'STALE'
  end
  return nil
end
