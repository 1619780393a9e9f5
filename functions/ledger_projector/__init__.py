"""The Lambda function ``ledger_projector``."""
