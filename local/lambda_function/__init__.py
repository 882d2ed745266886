"""The deployment package as Lambda runs it: AWS's runtime client, and a Runtime API for it."""
