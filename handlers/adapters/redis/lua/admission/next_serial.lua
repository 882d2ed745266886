-- Included: the next serial that is given out. Reads only.
--
-- `applied_user`  key of the sorted set user id -> serial
-- `count`         the highest serial given out so far   `limit`  the highest that may be given
-- Returns the lowest serial above the count that no user holds, or nil when none is left.
--
-- A user may hold a serial above the count: a coupon of MySQL that this Redis did not give, because
-- it was restored from an older state or because a record in Kafka was not ours. Almost always
-- no user does, and one command shows it. Otherwise the search needs two dozen of them at most: below
-- the serial that it finds, every serial is held.
local function next_serial(applied_user, count, limit)
  local left = limit - count
  if left <= 0 then
    return nil
  end
  local held = redis.call('ZCOUNT', applied_user, '(' .. count, limit)
  if held == 0 then
    return count + 1
  end
  if held >= left then
    return nil
  end
  local lowest, highest = 1, left
  while lowest < highest do
    local middle = math.floor((lowest + highest) / 2)
    if redis.call('ZCOUNT', applied_user, '(' .. count, count + middle) < middle then
      highest = middle
    else
      lowest = middle + 1
    end
  end
  return count + lowest
end
