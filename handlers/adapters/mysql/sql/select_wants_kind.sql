-- Whether a webhook wants events of a kind. It is asked before rows are sent for the outbox: a
-- service without webhooks pays for this row only.
SELECT 1 FROM webhook WHERE state = 'ACTIVE' AND FIND_IN_SET(%(kind)s, kinds) LIMIT 1
