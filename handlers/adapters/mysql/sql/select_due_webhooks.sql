-- Webhooks that something is to be sent to now, with the columns of select_webhooks.sql.
SELECT w.id, w.url, w.kinds, w.description, w.state, w.generation,
       IF(w.previous_until > CURRENT_TIMESTAMP(3), w.oldest_generation, w.generation),
       w.previous_until, w.failures, w.created_at
FROM webhook AS w
WHERE w.state = 'ACTIVE'
  AND w.paused_until <= CURRENT_TIMESTAMP(3)
  AND EXISTS (
          SELECT 1 FROM webhook_delivery AS d
          WHERE d.webhook_id = w.id
            AND d.status = 'PENDING'
            AND d.next_attempt_at <= CURRENT_TIMESTAMP(3)
      )
ORDER BY w.id
