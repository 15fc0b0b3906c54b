"""PUBs of one template merged before they are sent, and their results split again."""

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
    """Compiled circuits, each once with all its angles, which makes jobs smaller and faster to prepare.

    Attributes
    ----------
    isa
        The PUBs to send: circuits and angles [C, P] in the order of `circuit.parameters`.
    rows
        C of each; circuits without parameters are sent once per execution.
    widths
        Number of bits of each.
    places
        For every row of every given PUB, the index of the sent PUB and of its row that has the result.
    """

    isa: list[IsaPub] = field(repr=False)
    rows: list[int]
    widths: list[int]
    places: list[list[tuple[int, int]]] = field(repr=False)

    @staticmethod
    def of(pubs: Sequence[Pub], compiled: Sequence[Template]) -> MergedPubs:
        """Merge PUBs of equal templates.

        Parameters
        ----------
        pubs
            PUBs with templates as built; angles are in the order of the templates' parameters.
        compiled
            The same templates compiled; they may have lost parameters without effect.
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
        """Return the codes [C, shots] of each given PUB from those of the sent PUBs."""
        return [np.array([codes[index][row] for index, row in rows]) for rows in self.places]
