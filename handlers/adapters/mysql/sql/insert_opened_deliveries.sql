-- The outbox for campaign.opened: of each campaign whose time has come, once. An opening time that
-- has passed cannot be changed, so a campaign opens once.
-- Of a week: an operator may delete rows that are older, and they are not announced again.
INSERT INTO webhook_delivery
    (webhook_id, event_id, kind, campaign_id, detail, occurred_at, expires_at)
SELECT w.id, CONCAT('campaign_opened:', c.id), 'campaign.opened', c.id,
       JSON_OBJECT('name', c.name, 'quantity', c.quantity + c.places_returned),
       GREATEST(c.opens_at, c.created_at), CURRENT_TIMESTAMP(3) + INTERVAL 3 DAY
FROM webhook AS w
JOIN campaign AS c
  ON c.opens_at <= CURRENT_TIMESTAMP(3)
LEFT JOIN webhook_delivery AS d
  ON d.webhook_id = w.id
 AND d.event_id = CONVERT(CONCAT('campaign_opened:', c.id) USING ascii) COLLATE ascii_bin
WHERE w.state = 'ACTIVE'
  AND FIND_IN_SET('campaign.opened', w.kinds)
  AND w.created_at <= GREATEST(c.opens_at, c.created_at)
  AND GREATEST(c.opens_at, c.created_at) >= CURRENT_TIMESTAMP(3) - INTERVAL 7 DAY
  AND d.event_id IS NULL
ORDER BY w.id, c.id
LIMIT %(limit)s
ON DUPLICATE KEY UPDATE event_id = webhook_delivery.event_id
