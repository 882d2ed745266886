-- depends: 0003.coupon-without-auto-increment
-- The limits that a campaign sets for itself. NULL: it has none, as all campaigns before.
-- rate_per_address: calls of one address within a second, 0 for any number.
-- rules: JSON as the service writes it. Text, since it is compared byte by byte with that of Redis.
-- Prepared, since only MariaDB has ADD COLUMN IF NOT EXISTS.
SET @add_limits = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'campaign' AND column_name = 'rules'
    ),
    'DO 0',
    'ALTER TABLE campaign ADD COLUMN rate_per_address INT UNSIGNED NULL, ADD COLUMN rules VARCHAR(5000) CHARACTER SET ascii COLLATE ascii_bin NULL'
);
PREPARE add_limits FROM @add_limits;
EXECUTE add_limits;
DEALLOCATE PREPARE add_limits;
