"""MySQL: the ledger of coupons and the queries on it."""
