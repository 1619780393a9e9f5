"""Stores on AWS: two DynamoDB tables and one S3 bucket."""
