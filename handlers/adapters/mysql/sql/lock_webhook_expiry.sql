-- Lock a campaign's row until the commit; two schedulers at once take turns.
INSERT INTO webhook_expiry (campaign_id) VALUES (%(campaign_id)s)
ON DUPLICATE KEY UPDATE campaign_id = webhook_expiry.campaign_id
