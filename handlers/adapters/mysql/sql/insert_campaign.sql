-- Insert a campaign once: the same id again changes nothing; select_campaigns.sql then reads it.
INSERT INTO campaign (id, name, quantity, opens_at, closes_at, rate_per_address, rules, releases,
                      benefit, usable_from, usable_until, usable_days, time_zone)
VALUES (%(id)s, %(name)s, %(quantity)s, %(opens_at)s, %(closes_at)s,
        %(rate_per_address)s, %(rules)s, %(releases)s, %(benefit)s, %(usable_from)s,
        %(usable_until)s, %(usable_days)s, %(time_zone)s)
ON DUPLICATE KEY UPDATE id = id
