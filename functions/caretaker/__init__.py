"""The Lambda function ``caretaker``."""
