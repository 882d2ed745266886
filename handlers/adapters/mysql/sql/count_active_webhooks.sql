-- How many webhooks are sent events, besides this one.
SELECT COUNT(*) FROM webhook WHERE state = 'ACTIVE' AND id <> %(id)s
