-- How far a campaign's coupons were looked at. No row: the next look is not due (any more).
SELECT walked_at, walked_serial FROM webhook_expiry
WHERE campaign_id = %(campaign_id)s AND due_at <= CURRENT_TIMESTAMP(3)
