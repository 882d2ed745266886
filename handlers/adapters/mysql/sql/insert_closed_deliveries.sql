-- The outbox for campaign.closed. A campaign that is opened once more and closes later has another
-- time of its closing, and so another event.
-- Of a week: an operator may delete rows that are older, and they are not announced again.
INSERT INTO webhook_delivery
    (webhook_id, event_id, kind, campaign_id, detail, occurred_at, expires_at)
SELECT w.id,
       CONCAT('campaign_closed:', c.id, ':', DATE_FORMAT(c.closes_at, '%%Y%%m%%d%%H%%i%%s%%f')),
       'campaign.closed', c.id,
       JSON_OBJECT('name', c.name, 'quantity', c.quantity + c.places_returned),
       GREATEST(c.closes_at, c.created_at), CURRENT_TIMESTAMP(3) + INTERVAL 3 DAY
FROM webhook AS w
JOIN campaign AS c
  ON c.closes_at <= CURRENT_TIMESTAMP(3)
LEFT JOIN webhook_delivery AS d
  ON d.webhook_id = w.id
 AND d.event_id = CONVERT(
         CONCAT('campaign_closed:', c.id, ':', DATE_FORMAT(c.closes_at, '%%Y%%m%%d%%H%%i%%s%%f'))
         USING ascii
     ) COLLATE ascii_bin
WHERE w.state = 'ACTIVE'
  AND FIND_IN_SET('campaign.closed', w.kinds)
  AND w.created_at <= GREATEST(c.closes_at, c.created_at)
  AND GREATEST(c.closes_at, c.created_at) >= CURRENT_TIMESTAMP(3) - INTERVAL 7 DAY
  AND d.event_id IS NULL
ORDER BY w.id, c.id
LIMIT %(limit)s
ON DUPLICATE KEY UPDATE event_id = webhook_delivery.event_id
