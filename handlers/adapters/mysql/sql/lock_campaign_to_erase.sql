-- A campaign, for the erasure of its users: writers of coupons wait for the end of it, and it for them.
SELECT fence, erased_users, archived_at IS NOT NULL FROM campaign
WHERE id = %(campaign_id)s
FOR UPDATE
