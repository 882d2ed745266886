-- The next secret. The one before signs as well for %(previous_s)s seconds, and so does the one
-- before that while its own time runs: its receiver may not have the one in between.
-- The assignments are done in this order, each with the results of those before.
UPDATE webhook
SET oldest_generation = IF(
        %(previous_s)s = 0,
        generation + 1,
        GREATEST(IF(previous_until > CURRENT_TIMESTAMP(3), oldest_generation, generation),
                 generation - 1)
    ),
    previous_until = IF(
        %(previous_s)s = 0, NULL, CURRENT_TIMESTAMP(3) + INTERVAL %(previous_s)s SECOND
    ),
    generation = generation + 1,
    updated_at = CURRENT_TIMESTAMP(3)
WHERE id = %(id)s AND state <> 'DELETED'
