-- Change what is not NULL. Another address, or one that is switched on, is tried at once.
UPDATE webhook
SET url          = COALESCE(%(url)s, url),
    kinds        = COALESCE(%(kinds)s, kinds),
    description  = COALESCE(%(description)s, description),
    state        = COALESCE(%(state)s, state),
    failures     = IF(%(retry)s, 0, failures),
    paused_until = IF(%(retry)s, CURRENT_TIMESTAMP(3), paused_until),
    updated_at   = CURRENT_TIMESTAMP(3)
WHERE id = %(id)s AND state <> 'DELETED'
