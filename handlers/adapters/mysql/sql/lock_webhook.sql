-- Lock one webhook until the commit.
SELECT state FROM webhook WHERE id = %(id)s AND state <> 'DELETED' FOR UPDATE
