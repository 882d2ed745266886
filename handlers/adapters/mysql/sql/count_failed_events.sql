-- How many failed events are not solved, by status; from the index failed_event_due alone.
SELECT status, COUNT(*) FROM failed_event WHERE status IN ('PENDING', 'DEAD') GROUP BY status
