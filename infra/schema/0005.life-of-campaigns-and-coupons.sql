-- depends: 0004.limits-of-a-campaign
-- What happens after "accepted": campaigns that change, coupons that are used, given back, revoked.
--
-- campaign
--   version          counts the changes; the ETag of the HTTP interface
--   paused           no applicant is admitted
--   releases         JSON [[at_ms, quantity], …] as the service writes it; NULL: all at the opening
--   benefit          JSON, what the coupon is worth; only ever shown
--   usable_…         when a coupon can be used; usable_days counts from its admission
--   time_zone        for pages
--   places_returned  coupons whose place goes to another applicant. Serials up to quantity +
--                    places_returned may be given, and no serial twice
--   erased_users     how many of its users were erased: their coupons belong to a keyed hash
--   archived_at      it has left Redis
-- Prepared, since only MariaDB has ADD COLUMN IF NOT EXISTS.
SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'campaign' AND column_name = 'version'
    ),
    'DO 0',
    'ALTER TABLE campaign
        ADD COLUMN version         INT UNSIGNED NOT NULL DEFAULT 1,
        ADD COLUMN paused          TINYINT UNSIGNED NOT NULL DEFAULT 0,
        ADD COLUMN releases        VARCHAR(4000) CHARACTER SET ascii COLLATE ascii_bin NULL,
        ADD COLUMN benefit         TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
        ADD COLUMN usable_from     DATETIME(3) NULL,
        ADD COLUMN usable_until    DATETIME(3) NULL,
        ADD COLUMN usable_days     INT UNSIGNED NULL,
        ADD COLUMN time_zone       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
        ADD COLUMN places_returned INT UNSIGNED NOT NULL DEFAULT 0,
        ADD COLUMN erased_users    INT UNSIGNED NOT NULL DEFAULT 0,
        ADD COLUMN archived_at     DATETIME(3) NULL'
);
PREPARE change_campaign FROM @change;
EXECUTE change_campaign;
DEALLOCATE PREPARE change_campaign;

-- coupon
--   state       ISSUED, RESERVED, USED or REVOKED. A reservation that is over and a coupon past its
--               time are states by time alone, and no row says so
--   order_id    the order that has reserved or used it
--   given_back  0; the serial, where the user gave the coupon back: the same user may have another
--               one then, which the UNIQUE key allows
SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'coupon' AND column_name = 'state'
    ),
    'DO 0',
    'ALTER TABLE coupon
        ADD COLUMN state          VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''ISSUED'',
        ADD COLUMN order_id       VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
        ADD COLUMN reserved_until DATETIME(3) NULL,
        ADD COLUMN used_at        DATETIME(3) NULL,
        ADD COLUMN given_back     INT UNSIGNED NOT NULL DEFAULT 0'
);
PREPARE change_coupon FROM @change;
EXECUTE change_coupon;
DEALLOCATE PREPARE change_coupon;

SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'coupon'
          AND index_name = 'coupon_one_per_person' AND column_name = 'given_back'
    ),
    'DO 0',
    'ALTER TABLE coupon DROP INDEX coupon_one_per_person, ADD CONSTRAINT coupon_one_per_person UNIQUE (campaign_id, user_id, given_back)'
);
PREPARE change_coupon FROM @change;
EXECUTE change_coupon;
DEALLOCATE PREPARE change_coupon;

-- What happened to a coupon, or to a campaign (serial NULL), written in the transaction of the
-- change. Rows are only added; an erased user's id in `actor` becomes a keyed hash.
-- detail: JSON, e.g. the fields before and after a change.
CREATE TABLE IF NOT EXISTS coupon_event (
    id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    campaign_id VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    serial      INT UNSIGNED NULL,
    kind        VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    actor       VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    order_id    VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    reason      VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    detail      TEXT         CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    created_at  DATETIME(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    INDEX coupon_event_of_campaign (campaign_id, id),
    INDEX coupon_event_of_coupon (campaign_id, serial, id),
    INDEX coupon_event_of_actor (actor)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;
