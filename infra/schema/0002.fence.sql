-- depends: 0001.coupon-system
-- The fence of a campaign: a rebuild of Redis raises it before it reads anything. An admission that
-- apply writes to MySQL itself counts only under the fence that admitted it, so a rebuild misses no
-- row that is committed late.
-- Prepared, since only MariaDB has ADD COLUMN IF NOT EXISTS.
SET @add_fence = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'campaign' AND column_name = 'fence'
    ),
    'DO 0',
    'ALTER TABLE campaign ADD COLUMN fence INT UNSIGNED NOT NULL DEFAULT 1'
);
PREPARE add_fence FROM @add_fence;
EXECUTE add_fence;
DEALLOCATE PREPARE add_fence;

-- How far the rebuild of a fence has read the topic. A record of an earlier fence that is not before
-- this offset came too late: the rebuild may have given its serial to another user.
CREATE TABLE IF NOT EXISTS fence_offset (
    campaign_id  VARCHAR(64)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    fence        INT UNSIGNED    NOT NULL,
    topic        VARCHAR(300)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    partition_no INT UNSIGNED    NOT NULL,
    offset_no    BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (campaign_id, fence, topic, partition_no),
    CONSTRAINT fence_offset_of_campaign FOREIGN KEY (campaign_id) REFERENCES campaign (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;
