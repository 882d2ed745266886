-- How far the rebuilds of a campaign have read the topic. Read after the campaign was locked, so
-- that no rebuild is in between.
SELECT fence, topic, partition_no, offset_no FROM fence_offset
WHERE campaign_id = %(campaign_id)s
