"""The Lambda function ``output``."""
