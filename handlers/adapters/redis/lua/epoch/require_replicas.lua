-- Included: raise an error on a primary that is cut off from its replicas. Changes nothing.
--
-- `key`  any key without an expiry
--
-- Such a primary refuses every command that could write (min-replicas-to-write), and another server
-- may be the primary by now. What it says about its state may be over, so it must not be asked in a
-- command that only reads. PERSIST is a write that changes nothing here, and needs no memory.
local function require_replicas(key)
  redis.call('PERSIST', key)
end
