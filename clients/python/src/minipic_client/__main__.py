"""`python -m minipic_client` is `minipic`."""

from minipic_client.command.main import main

main()
