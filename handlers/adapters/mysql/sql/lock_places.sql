-- A campaign's returned places; they stay as they are until the commit. All writers lock the campaign
-- before its coupons.
SELECT places_returned FROM campaign WHERE id = %(campaign_id)s FOR UPDATE
