-- The bytes that are stored for one position in Kafka, and the detail.
SELECT payload, detail FROM failed_event
WHERE topic = %(topic)s AND partition_no = %(partition_no)s AND offset_no = %(offset_no)s
