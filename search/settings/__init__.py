"""Readers of single settings, and the specifications made of them."""
