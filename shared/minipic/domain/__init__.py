"""Storey 1: the rules, as pure functions and frozen values. No I/O, no clock, no framework."""
