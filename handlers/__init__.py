"""Everything that is deployed: first-come-first-served coupons as Lambda functions."""
