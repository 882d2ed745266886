"""Everything at once on this machine: servers, programs, a campaign that opens soon."""
