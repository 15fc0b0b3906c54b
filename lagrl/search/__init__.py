"""The search after the first ascents: relinearise, improve, recombine, restart."""

from lagrl.search.schedule import AdaptiveSchedule, Decision, History, Outcome, Schedule

__all__ = ["AdaptiveSchedule", "Decision", "History", "Outcome", "Schedule"]
