-- What is stored of the batches at one position that could not be read. Where the topic was created
-- again, the second one has another name (see ledger.py).
SELECT status, payload FROM failed_event
WHERE topic IN (%(topic)s, CONCAT(%(topic)s, '@0'))
  AND partition_no = %(partition_no)s AND offset_no = %(offset_no)s
  AND reason = 'UNREADABLE'
