-- depends: 0006.webhooks
-- The list of events is in the order of time, and shows that a coupon was issued from its row: both
-- tables are read by campaign and time, a page at a time, whatever their size. Rows of one moment are
-- in the order of serial and of id. InnoDB would add these by itself, and they take no more room
-- here; but MySQL would sort, for it does not use what was added as an order.
-- Nothing reads events by campaign and id, so that index gives its place to the new one.
-- Prepared, since only MariaDB has IF EXISTS and IF NOT EXISTS here.
SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'coupon' AND index_name = 'coupon_by_time'
    ),
    'DO 0',
    'ALTER TABLE coupon ADD INDEX coupon_by_time (campaign_id, created_at, serial)'
);
PREPARE change_coupon FROM @change;
EXECUTE change_coupon;
DEALLOCATE PREPARE change_coupon;

SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'coupon_event'
          AND index_name = 'coupon_event_by_time'
    ),
    'DO 0',
    'ALTER TABLE coupon_event DROP INDEX coupon_event_of_campaign, ADD INDEX coupon_event_by_time (campaign_id, created_at, id)'
);
PREPARE change_event FROM @change;
EXECUTE change_event;
DEALLOCATE PREPARE change_event;
