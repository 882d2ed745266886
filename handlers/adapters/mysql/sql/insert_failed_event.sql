-- Dead-letter a record that could not be written. The same record again changes nothing, and
-- unlike with IGNORE a value that does not fit is an error.
INSERT INTO failed_event
    (campaign_id, user_id, topic, partition_no, offset_no, record_key, payload, reason, detail)
VALUES
    (%(campaign_id)s, %(user_id)s, %(topic)s, %(partition_no)s, %(offset_no)s, %(record_key)s,
     %(payload)s, %(reason)s, %(detail)s)
ON DUPLICATE KEY UPDATE id = id
