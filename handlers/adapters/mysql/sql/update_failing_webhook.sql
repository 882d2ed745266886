-- Nothing of a batch arrived: pause longer each time, up to a minute, or as long as the receiver
-- asked. %(gone)s: it answered 410. Not where it has another address by now.
UPDATE webhook
SET paused_until = CURRENT_TIMESTAMP(3)
                   + INTERVAL GREATEST(%(retry_after_s)s, LEAST(POW(2, LEAST(failures, 6)), 60)) SECOND,
    failures     = failures + 1,
    state        = IF(%(gone)s AND state = 'ACTIVE', 'GONE', state)
WHERE id = %(id)s AND url = %(url)s
