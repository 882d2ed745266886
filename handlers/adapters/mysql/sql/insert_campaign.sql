-- Insert a campaign once: the same id again changes nothing; select_campaigns.sql then reads it.
INSERT INTO campaign (id, name, quantity, opens_at, closes_at)
VALUES (%(id)s, %(name)s, %(quantity)s, %(opens_at)s, %(closes_at)s)
ON DUPLICATE KEY UPDATE id = id
