"""The Lambda function ``usage``."""
