"""The Lambda function ``compress``."""
