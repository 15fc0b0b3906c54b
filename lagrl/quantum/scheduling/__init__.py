"""Scheduler that sends tasks to several quantum computers and handles their failures."""
