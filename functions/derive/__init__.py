"""The Lambda function ``derive``."""
