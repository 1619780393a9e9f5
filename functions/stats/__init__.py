"""The Lambda function ``stats``."""
