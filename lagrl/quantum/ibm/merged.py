"""PUBs as they are sent: those of one template joined, and taken apart again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.circuits.execution import Pub, Template
    from lagrl.quantum.ibm.device import IsaPub


@dataclass(frozen=True, eq=False)
class MergedPubs:
    """Compiled circuits, each once, with all angles for it: a job is smaller so, and prepared faster.

    Attributes
    ----------
    isa
        What is sent: circuits and angles [C, P] in the order of `circuit.parameters`.
    rows
        C of each; circuits without parameters are sent once per execution.
    widths
        Bits of each.
    places
        For every row of every given PUB, which sent PUB and which row of it has its answer.
    """

    isa: list[IsaPub] = field(repr=False)
    rows: list[int]
    widths: list[int]
    places: list[list[tuple[int, int]]] = field(repr=False)

    @staticmethod
    def of(pubs: Sequence[Pub], compiled: Sequence[Template]) -> MergedPubs:
        """Join PUBs.

        Parameters
        ----------
        pubs
            With templates as built, in whose parameters' order the angles are.
        compiled
            The same templates compiled; they may have lost parameters that do not matter.
        """
        templates: list[Template] = []
        values: list[list[NDArray[np.float64]]] = []
        known: dict[str, int] = {}
        places = []
        for pub, made in zip(pubs, compiled, strict=True):
            column = {parameter.name: i for i, parameter in enumerate(pub.template.circuit.parameters)}
            order = [column[parameter.name] for parameter in made.circuit.parameters]
            rows = []
            for angles in pub.values[:, order]:
                index = known.get(made.digest) if order else None
                if index is None:
                    index = known[made.digest] = len(templates)
                    templates.append(made)
                    values.append([])
                rows.append((index, len(values[index])))
                values[index].append(angles)
            places.append(rows)
        return MergedPubs(
            isa=[(made.circuit, np.array(rows)) for made, rows in zip(templates, values, strict=True)],
            rows=[len(rows) for rows in values],
            widths=[made.circuit.num_clbits for made in templates],
            places=places,
        )

    def split(self, codes: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Return codes [C, shots] of each given PUB from those of the sent ones."""
        return [np.array([codes[index][row] for index, row in rows]) for rows in self.places]
