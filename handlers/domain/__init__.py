"""The business in the standard library alone: campaigns, admissions, messages, errors."""
