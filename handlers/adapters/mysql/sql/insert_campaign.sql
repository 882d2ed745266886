-- Insert a campaign once: the same id again changes nothing; select_campaigns.sql then reads it.
INSERT INTO campaign (id, name, quantity, opens_at, closes_at, rate_per_address, rules)
VALUES (%(id)s, %(name)s, %(quantity)s, %(opens_at)s, %(closes_at)s,
        %(rate_per_address)s, %(rules)s)
ON DUPLICATE KEY UPDATE id = id
