"""The Lambda function ``optimize``."""
