"""The Lambda function ``shrink``."""
