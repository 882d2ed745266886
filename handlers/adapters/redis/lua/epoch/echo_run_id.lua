-- Echo run id: return the run_id of the server that owns a key. Reads nothing.
--
-- KEYS  1 any key, which selects its server in a cluster
-- ARGV  1 run_id of this server, as the caller's connection writes it
-- Returns it.
return ARGV[1]
