"""Stores on AWS: one DynamoDB table and one S3 bucket."""
