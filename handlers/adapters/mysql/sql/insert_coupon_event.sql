-- What happened to a coupon, or to a campaign (serial NULL), in the transaction of the change.
INSERT INTO coupon_event (campaign_id, serial, kind, actor, order_id, reason, detail)
VALUES (%(campaign_id)s, %(serial)s, %(kind)s, %(actor)s, %(order_id)s, %(reason)s, %(detail)s)
