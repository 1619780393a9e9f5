"""Stores for one machine: SQLite and files under one data folder, durable through kill -9."""
