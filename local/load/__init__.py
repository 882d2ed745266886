"""The load test with Locust: a promotion, from the countdown to the last coupon code.

What locustfile.py imports from here runs in Locust's own environment: standard library only.
"""
