-- depends: 0007.coupons-and-events-by-time
-- A coupon's expiry is announced when its time is over, whatever coupons were issued before it.

-- webhook_expiry: how far the coupons of a campaign have been looked at, in the order in which their
-- rows were written (the index coupon_by_time), and when the next look is due; NULL: never again.
-- `serial` is of the release before, which looked in the order of serials.
-- Prepared, since only MariaDB has ADD COLUMN IF NOT EXISTS.
SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'webhook_expiry' AND column_name = 'due_at'
    ),
    'DO 0',
    'ALTER TABLE webhook_expiry
        ADD COLUMN walked_at     DATETIME(3)  NOT NULL DEFAULT ''1970-01-02 00:00:00.000'',
        ADD COLUMN walked_serial INT UNSIGNED NOT NULL DEFAULT 0,
        ADD COLUMN due_at        DATETIME(3)  NULL DEFAULT ''1970-01-02 00:00:00.000'''
);
PREPARE change_expiry FROM @change;
EXECUTE change_expiry;
DEALLOCATE PREPARE change_expiry;

-- Coupons that have a moment of their own at which they are looked at: an order had one reserved when
-- its time ended, or its row was written late. due_at NULL: it has been looked at.
CREATE TABLE IF NOT EXISTS webhook_expiring (
    campaign_id VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    serial      INT UNSIGNED NOT NULL,
    due_at      DATETIME(3)  NULL,
    PRIMARY KEY (campaign_id, serial),
    INDEX webhook_expiring_due (due_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;
