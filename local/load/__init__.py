"""The load test for people: a promotion's day, from the countdown to the last coupon.

What locustfile.py imports from here runs in Locust's own environment: standard library only.
"""
