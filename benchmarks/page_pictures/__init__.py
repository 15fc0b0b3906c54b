"""The pictures of the README, of the start page and of the guide to pictures."""
