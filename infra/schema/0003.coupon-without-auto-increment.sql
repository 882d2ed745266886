-- depends: 0002.fence
-- A campaign's serial is what names a coupon, so it is the primary key, and no number is counted.
-- The counter lost coupons: with innodb_autoinc_lock_mode 2, MySQL's default, INSERT … SELECT that
-- meets a duplicate goes on with an id of another writer's, and the row violates the primary key.
-- One ALTER, so there is no moment without its keys. Prepared, since only MariaDB has IF EXISTS.
SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'coupon' AND column_name = 'id'
    ),
    'ALTER TABLE coupon DROP PRIMARY KEY, DROP COLUMN id, DROP INDEX coupon_serial_once, ADD PRIMARY KEY (campaign_id, serial)',
    'DO 0'
);
PREPARE change_coupon FROM @change;
EXECUTE change_coupon;
DEALLOCATE PREPARE change_coupon;
