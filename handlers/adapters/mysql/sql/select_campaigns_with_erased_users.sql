-- The campaigns of which users were erased and that Redis may have, with their number.
SELECT id, erased_users FROM campaign
WHERE erased_users > 0 AND archived_at IS NULL
