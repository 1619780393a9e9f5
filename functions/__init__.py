"""One folder a Lambda function, each with one app.py: router, app, handler."""
