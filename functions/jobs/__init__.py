"""The Lambda function ``jobs``."""
