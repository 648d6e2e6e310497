"""Screens that stand over the main one."""
