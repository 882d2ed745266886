-- Raise a campaign's fence; LAST_INSERT_ID() then gives the new value. It waits for the
-- transactions that write coupons of this campaign, since each of them locks the campaign's row.
UPDATE campaign SET fence = LAST_INSERT_ID(fence + 1) WHERE id = %(id)s
