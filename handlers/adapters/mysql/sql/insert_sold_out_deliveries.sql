-- The outbox for campaign.sold_out: the last serial that may be given is stored. Redis gives them in
-- their order, so it has given the others as well. After a raised quantity or a returned place there
-- is another last serial, and so another event.
-- Of a week: an operator may delete rows that are older, and they are not announced again.
INSERT INTO webhook_delivery
    (webhook_id, event_id, kind, campaign_id, detail, occurred_at, expires_at)
SELECT w.id, CONCAT('campaign_sold_out:', c.id, ':', c.quantity + c.places_returned),
       'campaign.sold_out', c.id,
       JSON_OBJECT('name', c.name, 'quantity', c.quantity + c.places_returned),
       k.created_at, CURRENT_TIMESTAMP(3) + INTERVAL 3 DAY
FROM webhook AS w
JOIN campaign AS c
JOIN coupon AS k
  ON k.campaign_id = c.id AND k.serial = c.quantity + c.places_returned
LEFT JOIN webhook_delivery AS d
  ON d.webhook_id = w.id
 AND d.event_id = CONVERT(
         CONCAT('campaign_sold_out:', c.id, ':', c.quantity + c.places_returned) USING ascii
     ) COLLATE ascii_bin
WHERE w.state = 'ACTIVE'
  AND FIND_IN_SET('campaign.sold_out', w.kinds)
  AND w.created_at <= k.created_at
  AND k.created_at >= CURRENT_TIMESTAMP(3) - INTERVAL 7 DAY
  AND d.event_id IS NULL
ORDER BY w.id, c.id
LIMIT %(limit)s
ON DUPLICATE KEY UPDATE event_id = webhook_delivery.event_id
