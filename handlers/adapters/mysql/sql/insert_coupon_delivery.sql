-- The outbox for one change of a coupon: a row for each webhook that wants this kind. %(code)s NULL:
-- the code that the coupon has.
INSERT INTO webhook_delivery
    (webhook_id, event_id, kind, campaign_id, serial, code, detail, occurred_at, expires_at)
SELECT w.id, %(event_id)s, %(kind)s, %(campaign_id)s, %(serial)s,
       COALESCE(%(code)s, (
           SELECT k.code FROM coupon AS k
           WHERE k.campaign_id = %(campaign_id)s AND k.serial = %(serial)s
       )),
       %(detail)s, CURRENT_TIMESTAMP(3), CURRENT_TIMESTAMP(3) + INTERVAL 3 DAY
FROM webhook AS w
WHERE w.state = 'ACTIVE' AND FIND_IN_SET(%(kind)s, w.kinds)
ORDER BY w.id
ON DUPLICATE KEY UPDATE event_id = webhook_delivery.event_id
