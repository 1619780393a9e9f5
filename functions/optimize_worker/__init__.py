"""The Lambda function ``optimize_worker``."""
