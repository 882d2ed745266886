-- Failed events without a campaign that may hold a user's id: records that cannot be decoded and have
-- it as their key or as a text of JSON, batches that cannot be read and have it uncompressed. A batch
-- that is resolved may have it compressed, so it is taken as well; %(header)s bytes of it stay.
SELECT id, status, reason, record_key, payload, detail FROM failed_event
WHERE campaign_id IS NULL
  AND (record_key = %(key)s OR LOCATE(%(text)s, payload) > 0
       OR reason = 'UNREADABLE' AND status = 'RESOLVED' AND OCTET_LENGTH(payload) > %(header)s)
ORDER BY id
FOR UPDATE
