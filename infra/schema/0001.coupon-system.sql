-- The schema is the second, independent guard of the promises: never one too many, one per person.
-- IF NOT EXISTS, since DDL has no transaction: a migration cut short is simply run again.
-- SQL valid on MySQL 8.4 and MariaDB 10.11+. Identifiers compare byte by byte (utf8mb4_bin).

-- One promotion: a quantity and a time window [opens_at, closes_at).
CREATE TABLE IF NOT EXISTS campaign (
    id         VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
    name       VARCHAR(200) NOT NULL,
    quantity   INT UNSIGNED NOT NULL,
    opens_at   DATETIME(3)  NOT NULL,
    closes_at  DATETIME(3)  NOT NULL,
    created_at DATETIME(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    CONSTRAINT campaign_quantity CHECK (quantity BETWEEN 1 AND 10000000),
    CONSTRAINT campaign_window   CHECK (opens_at < closes_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;

-- One row is one coupon that somebody owns. Written only by the guarded INSERT … SELECT, which
-- adds the third guard: 1 <= serial <= the campaign's quantity.
CREATE TABLE IF NOT EXISTS coupon (
    id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    campaign_id VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    user_id     VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    serial      INT UNSIGNED NOT NULL,
    code        CHAR(16)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    admitted_at DATETIME(3)  NOT NULL,
    created_at  DATETIME(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    CONSTRAINT coupon_one_per_person UNIQUE (campaign_id, user_id),
    CONSTRAINT coupon_serial_once    UNIQUE (campaign_id, serial),
    CONSTRAINT coupon_code_once      UNIQUE (code),
    CONSTRAINT coupon_of_campaign    FOREIGN KEY (campaign_id) REFERENCES campaign (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;

-- A record that could not be written: its bytes, its origin, the reason. Nothing disappears.
-- topic is longer than a Kafka name: a topic that was created anew gets its record's time behind @.
CREATE TABLE IF NOT EXISTS failed_event (
    id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    campaign_id     VARCHAR(64)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    user_id         VARCHAR(64)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    topic           VARCHAR(300)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    partition_no    INT UNSIGNED  NOT NULL,
    offset_no       BIGINT UNSIGNED NOT NULL,
    record_key      LONGBLOB      NULL,
    payload         LONGBLOB      NULL,
    reason          VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    detail          VARCHAR(1000) NOT NULL,
    attempts        INT UNSIGNED  NOT NULL DEFAULT 0,
    status          VARCHAR(8)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'PENDING',
    next_attempt_at DATETIME(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    created_at      DATETIME(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    updated_at      DATETIME(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                                  ON UPDATE CURRENT_TIMESTAMP(3),
    CONSTRAINT failed_event_once   UNIQUE (topic, partition_no, offset_no),
    CONSTRAINT failed_event_status CHECK (status IN ('PENDING', 'RESOLVED', 'DEAD')),
    INDEX failed_event_due (status, next_attempt_at),
    INDEX failed_event_of_user (campaign_id, user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;
