-- The same for a reader, whom other readers do not wait for.
SELECT places_returned FROM campaign WHERE id = %(campaign_id)s LOCK IN SHARE MODE
