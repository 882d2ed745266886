-- MySQL's clock; no row for an unknown campaign.
SELECT CURRENT_TIMESTAMP(3) FROM campaign WHERE id = %(campaign_id)s
