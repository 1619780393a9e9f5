"""The Lambda function ``site``."""
