"""The command `minipic`."""
