"""End to end: a server process as ``make run`` starts it, met over real sockets and by unchanged clients."""
