"""The Lambda function ``uploads``."""
