"""Measurements of the product as a whole, and of its costliest parts.

`python -m tests.bench` runs them. They measure and print; nothing here asserts a time, because
machines are noisy: what counts is the ratio to a bare pipeline measured in the same run.
"""
