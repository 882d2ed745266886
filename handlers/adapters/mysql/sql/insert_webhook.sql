-- A new webhook. ON DUPLICATE KEY: the transaction is repeated where its commit got no answer.
INSERT INTO webhook (id, url, kinds, description)
VALUES (%(id)s, %(url)s, %(kinds)s, %(description)s)
ON DUPLICATE KEY UPDATE id = webhook.id
