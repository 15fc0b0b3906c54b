"""What a solve does between multiplier updates: linearise, improve, recombine, start over."""

from lagrl.search.schedule import AdaptiveSchedule, Decision, History, Outcome, Schedule

__all__ = ["AdaptiveSchedule", "Decision", "History", "Outcome", "Schedule"]
