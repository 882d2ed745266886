-- The fence of a campaign: each rebuild of Redis raises it first. What an apply writes to MySQL itself
-- counts only under the fence that admitted it, so a rebuild misses no row that is committed late.
-- MySQL has no ADD COLUMN IF NOT EXISTS, and a migration that is cut short must be repeatable.
SET @add_fence = IF(
    EXISTS (SELECT 1 FROM information_schema.columns
            WHERE table_schema = DATABASE() AND table_name = 'campaign' AND column_name = 'fence'),
    'DO 0',
    'ALTER TABLE campaign ADD COLUMN fence INT UNSIGNED NOT NULL DEFAULT 1'
);
PREPARE add_fence FROM @add_fence;
EXECUTE add_fence;
DEALLOCATE PREPARE add_fence;
