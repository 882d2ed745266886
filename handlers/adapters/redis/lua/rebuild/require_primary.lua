-- Require primary: raise an error on a replica, and on a primary that is cut off from its replicas.
--
-- KEYS  1 campaign  hash
-- Returns 1.
--
-- The client then looks for the primary of now, which may need a rebuild. A script that only reads
-- would learn from the old one that all is well.
-- include epoch/require_replicas.lua
require_replicas(KEYS[1])
return 1
