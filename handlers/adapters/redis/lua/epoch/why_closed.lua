-- Included: may a script trust what it finds of a campaign? Reads nothing.
--
-- `known`   what must be there of the campaign (quantity or epoch), false when it is missing
-- `epoch`   of the campaign: the run_id of the server that it was opened on
-- `run_id`  of this server as the caller's connection knows it, or "" to skip the comparison
-- Returns NOT_FOUND, or STALE when the campaign was opened on another run of the server: the last
-- second may be forgotten. Returns nil when all is well.
local function why_closed(known, epoch, run_id)
  if not known then
    return 'NOT_FOUND'
  end
  if run_id ~= '' and epoch ~= run_id then
    return 'STALE'
  end
  return nil
end
