-- Run id: tell a client the run_id of the server that a key lives on. Reads nothing.
--
-- KEYS  1 any key, which leads to its server in a cluster
-- ARGV  1 run_id of this server, as the caller's connection writes it
-- Returns it.
return ARGV[1]
