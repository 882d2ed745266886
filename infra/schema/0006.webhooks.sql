-- depends: 0005.life-of-campaigns-and-coupons
-- Webhooks: who is sent which events, and what is still to be sent.

-- An address that is sent events. A deleted one stays, as the service has no right to DELETE.
--   kinds              the kinds of events that it wants, with commas: for FIND_IN_SET
--   state              ACTIVE; OFF by an administrator; GONE: it answered 410; DELETED
--   generation         counts its secrets, which are derived and not stored
--   oldest_generation  up to previous_until, requests are signed by all secrets from this one on
--   failures           failed batches in a row; up to paused_until it is sent nothing
CREATE TABLE IF NOT EXISTS webhook (
    id                VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    url               VARCHAR(2000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kinds             VARCHAR(400)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    description       VARCHAR(200)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state             VARCHAR(8)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'ACTIVE',
    generation        INT UNSIGNED  NOT NULL DEFAULT 1,
    oldest_generation INT UNSIGNED  NOT NULL DEFAULT 1,
    previous_until    DATETIME(3)   NULL,
    failures          INT UNSIGNED  NOT NULL DEFAULT 0,
    paused_until      DATETIME(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    created_at        DATETIME(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    updated_at        DATETIME(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    CONSTRAINT webhook_state CHECK (state IN ('ACTIVE', 'OFF', 'GONE', 'DELETED'))
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;

-- The outbox: one row per address and event, written in the transaction of what happened.
--   event_id         the same for the same event, so that a repeated INSERT adds nothing
--   code             the coupon's when it happened; the user's id is read when the event is sent,
--                    so that an erased user's is in no row
--   detail           JSON: what else is sent
--   leased           1 while a sender works on it, which ends by itself at next_attempt_at
--   expires_at       until then it is tried again
-- Without a foreign key: it would let the consumer wait for a change of the row in webhook.
CREATE TABLE IF NOT EXISTS webhook_delivery (
    webhook_id      VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    event_id        VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind            VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    campaign_id     VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    serial          INT UNSIGNED NULL,
    code            CHAR(16)     CHARACTER SET ascii COLLATE ascii_bin NULL,
    detail          TEXT         CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    occurred_at     DATETIME(3)  NOT NULL,
    status          VARCHAR(9)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'PENDING',
    attempts        INT UNSIGNED NOT NULL DEFAULT 0,
    leased          TINYINT UNSIGNED NOT NULL DEFAULT 0,
    next_attempt_at DATETIME(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    expires_at      DATETIME(3)  NOT NULL,
    http_status     SMALLINT UNSIGNED NULL,
    error           VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    created_at      DATETIME(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    delivered_at    DATETIME(3)  NULL,
    PRIMARY KEY (webhook_id, event_id),
    CONSTRAINT webhook_delivery_status CHECK (status IN ('PENDING', 'DELIVERED', 'DEAD')),
    INDEX webhook_delivery_due (webhook_id, status, next_attempt_at),
    INDEX webhook_delivery_log (webhook_id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;

-- Up to which serial the coupons of a campaign have been looked at and were past their time.
CREATE TABLE IF NOT EXISTS webhook_expiry (
    campaign_id VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
    serial      INT UNSIGNED NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;
