-- What is sent of these events. The user is the one that the coupon has now: an erased one's id is
-- in no store.
SELECT d.event_id, d.attempts, d.kind, d.occurred_at, d.campaign_id, d.serial, d.code, k.user_id,
       d.detail
FROM webhook_delivery AS d
LEFT JOIN coupon AS k ON k.campaign_id = d.campaign_id AND k.serial = d.serial
WHERE d.webhook_id = %(webhook_id)s AND d.event_id IN %(event_ids)s
ORDER BY d.created_at, d.event_id
