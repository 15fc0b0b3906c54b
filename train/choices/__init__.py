"""Training of networks that choose: freed sets (`train.sets`) and seedings (`train.seeds`), by imitation of looks."""
