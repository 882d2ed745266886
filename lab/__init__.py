"""The lab: nine stages of one coupon system, each judged on real servers."""
