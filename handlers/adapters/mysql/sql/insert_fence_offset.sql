-- Store how far the rebuild of a fence has read one partition. The same again changes nothing.
INSERT INTO fence_offset (campaign_id, fence, topic, partition_no, offset_no)
VALUES (%(campaign_id)s, %(fence)s, %(topic)s, %(partition_no)s, %(offset_no)s)
ON DUPLICATE KEY UPDATE offset_no = fence_offset.offset_no
