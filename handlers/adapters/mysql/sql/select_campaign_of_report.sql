-- What a report says of the campaign itself; no row for an unknown one. The coupon whose serial is
-- the quantity is the one that sold it out.
SELECT campaign.quantity, campaign.opens_at, campaign.closes_at, last.admitted_at,
       (SELECT MAX(serial) FROM coupon WHERE campaign_id = campaign.id)
FROM campaign
LEFT JOIN coupon AS last ON last.campaign_id = campaign.id AND last.serial = campaign.quantity
WHERE campaign.id = %(campaign_id)s
