"""The Lambda function ``job_hooks``."""
