"""Instances and samplers that both comparisons share."""

CVRPLIB = (
    *("A-n45-k7", "A-n53-k7", "A-n60-k9", "A-n65-k9", "A-n69-k9", "A-n80-k10"),
    *("B-n45-k6", "B-n57-k9", "B-n66-k9", "B-n68-k9", "B-n78-k10"),
    *("P-n50-k10", "P-n65-k10", "P-n70-k10", "P-n76-k5", "P-n101-k4"),
    *("X-n101-k25", "X-n106-k14", "X-n115-k10", "X-n125-k30", "X-n139-k10", "X-n153-k22", "X-n172-k51", "X-n200-k36"),
)
"""Instances of the test; none was used for training or selection."""

NOISY = ("qaoa", "noisy:FakeKingston")
"""Approximate samplers."""

SHOTS = 16
"""Shots of a circuit."""
