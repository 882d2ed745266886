-- Webhooks by id, from above %(after)s; with an %(id)s only that one. Not those that were deleted.
SELECT w.id, w.url, w.kinds, w.description, w.state, w.generation,
       IF(w.previous_until > CURRENT_TIMESTAMP(3), w.oldest_generation, w.generation),
       w.previous_until, w.failures, w.created_at
FROM webhook AS w
WHERE w.state <> 'DELETED'
  AND w.id > %(after)s
  AND (%(id)s IS NULL OR w.id = %(id)s)
ORDER BY w.id
LIMIT %(limit)s
