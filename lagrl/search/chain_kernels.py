"""A compiled chain of moves: slack induction by string removals (Christiaens and Vanden Berghe 2020).

Routes are doubly linked lists, see `list_kernels`.
"""

from __future__ import annotations

import math

import numpy as np

from lagrl.search.excess_kernels import REVIEW, excess_of, next_penalty, toll_of
from lagrl.search.insertion_order_kernels import sort_freed, until_blink
from lagrl.search.list_kernels import link_customer, string_start, unlink_customer
from lagrl.search.priced_kernels import MOST_PRICED, assign_by_prices, cheapest_on_route
from lagrl.search.random_kernels import draw_uniform
from lagrl.signatures import (
    INT_MATRIX,
    INTS,
    MATRIX,
    OUT_FLOATS,
    OUT_INTS,
    OUT_WORDS,
    Floats,
    Ints,
    Matrix,
    Words,
    float64,
    int64,
    kernel,
)

_LONGEST = 6.0  # customers of a string
_FREED = 10.0  # average number of customers that a move frees
_SPLIT = 0.5  # share of strings that keep some customers in their middle
_KEEP_MORE = 0.01  # probability of each further customer kept there
_ROUNDING = 1e-10  # share of a cost that may come from the order of a sum
_NOISE = 0.1  # of the costs in an assignment by prices


@kernel(
    int64(
        *(MATRIX, INTS, INT_MATRIX, INTS, OUT_INTS, OUT_INTS, OUT_FLOATS, OUT_INTS, OUT_INTS, OUT_INTS),
        *(OUT_INTS, OUT_INTS, OUT_FLOATS, OUT_FLOATS, OUT_WORDS, float64, int64),
    )
)
def run_chain(
    distance: Matrix,
    demand: Ints,
    near: Ints,
    limits: Ints,
    after: Ints,
    before: Ints,
    arc: Floats,
    route: Ints,
    load: Ints,
    size: Ints,
    best: Ints,
    work: Ints,
    key: Floats,
    cost: Floats,
    word: Words,
    temperature: float,
    n_moves: int,
) -> int:
    """Make moves on routes; return the number of accepted ones.

    A move frees strings of customers on adjacent routes, inserts each where it costs least beside its nearest customers
    (1 % of the places are not seen), and is undone where it costs more than the temperature allows, or where a customer
    fits nowhere. In a share of the moves, customers are first assigned to routes by prices, see `assign_by_prices`.
    Where loads above the capacity are allowed, each unit of an excess costs a penalty, which rises and falls so that a
    part of the moves end without any excess (Vidal and others 2012); only such routes can be the best. Nothing is
    allocated.
    O(customers freed · places near them) per move, and with prices also that of the assignment; where no route near a
    customer has room, the ends of all routes are tried, and then all places.

    Parameters
    ----------
    distance, demand
        [n + 1, n + 1] distance units, [n] demand units.
    near
        [n + 1, m] each customer's nearest ones, nearest first; row 0 is not read.
    limits
        [6] capacity; least and largest number of routes; how many of the nearest customers an insertion looks at; share
        of the moves with prices, thousandths; largest load allowed.
    after, before, arc
        [n + 1 + R] next and previous node of each, and the distance to the next, for at most R routes. Changed.
    route
        [n + 1] route of each customer, −1 for customers on none, which stay there; one at least is on a route. Changed.
    load, size
        [R] demand units and customers of each route. Changed.
    best
        [n + 1 + R] `after` of the best routes. Changed when they are.
    work, key
        [5·n + R + `N_INTS`], [n + `N_FLOATS`] memory of the moves.
    cost
        [3] cost of the routes and of the best ones, distance units; penalty, distance units per unit of a load above
        the capacity. Changed.
    word
        [1] state of the random numbers. Changed.
    temperature
        Increase of the cost that is accepted with probability 1/e, distance units.
    n_moves
        Number of moves.
    """
    n = len(demand)
    n_near = near.shape[1]
    n_ids = len(load)
    capacity, fewest, most = limits[0], limits[1], limits[2]
    n_seen = min(limits[3], n_near)
    allowed = limits[5]
    freed, origin, home = work[:n], work[n : 2 * n], work[2 * n : 3 * n]
    order, want = work[3 * n : 4 * n], work[4 * n : 5 * n]
    touched, ints = work[5 * n : 5 * n + n_ids], work[5 * n + n_ids :]
    floats = key[n:]
    n_routes, top, n_served, excess, n_fitting = 0, 0, 0, 0, 0
    for k in range(n_ids):
        touched[k] = -1
        n_served += size[k]
        excess += excess_of(load[k], capacity)
        n_routes += size[k] > 0
        if size[k] > 0 or best[n + 1 + k] <= n:
            top = k + 1
    n_accepted, penalty = 0, cost[2]
    blink = until_blink(word)
    for move in range(n_moves):
        routes_before, excess_before = n_routes, excess
        longest = min(_LONGEST, n_served / n_routes)
        n_strings = int(1.0 + draw_uniform(word) * max(4.0 * _FREED / (1.0 + longest) - 1.0, 1.0))
        centre = 1 + int(draw_uniform(word) * n)
        while route[centre] < 0:  # not on these routes
            centre = 1 + int(draw_uniform(word) * n)
        n_freed = 0
        change = 0.0
        for j in range(-1, n_near):
            c = centre if j < 0 else near[centre, j]
            k = route[c]
            if k < 0 or touched[k] == move:
                continue
            touched[k] = move
            length = int(1.0 + draw_uniform(word) * min(float(size[k]), longest))
            kept = 0
            if 1 < length < size[k] and draw_uniform(word) < _SPLIT:
                kept = 1
                while length + kept < size[k] and draw_uniform(word) < _KEEP_MORE:
                    kept += 1
            x = string_start(after, before, n, c, length + kept, word)
            excess -= excess_of(load[k], capacity)
            keep_from = 1 + int(draw_uniform(word) * (length - 1)) if kept else length
            for i in range(length + kept):
                following = after[x]
                if not keep_from <= i < keep_from + kept:
                    freed[n_freed] = x
                    origin[n_freed] = before[x]
                    n_freed += 1
                    change += unlink_customer(distance, after, before, arc, x)
                    home[n_freed - 1] = k
                    route[x] = -1
                    load[k] -= demand[x - 1]
                x = following
            excess += excess_of(load[k], capacity)
            size[k] -= length
            n_routes -= size[k] == 0
            n_strings -= 1
            if n_strings == 0:
                break
        n_assigned = 0
        if n_freed <= MOST_PRICED and 1000.0 * draw_uniform(word) < limits[4]:
            n_assigned = assign_by_prices(
                distance,
                demand,
                near,
                capacity,
                after,
                arc,
                route,
                load,
                size,
                freed[:n_freed],
                home[:n_freed],
                order[:n_freed],
                want[:n_freed],
                ints,
                floats,
                _NOISE,
                word,
            )
        else:
            sort_freed(distance, demand, n_freed, freed, order, key, word)
        n_placed = 0
        while n_placed < n_freed:
            c = order[n_placed]
            weight = demand[c - 1]
            place = -1
            least = np.inf
            is_assigned = n_placed < n_assigned
            if fewest - n_routes < n_freed - n_placed:  # else each of them needs a new route
                if is_assigned:
                    least, place = cheapest_on_route(distance, after, arc, c, n + 1 + want[n_placed])
                for j in range(0 if is_assigned else n_seen):
                    v = near[c, j]
                    k = route[v]
                    if k < 0 or load[k] + weight > allowed:
                        continue
                    blink -= 1
                    if blink <= 0:
                        blink = until_blink(word)
                        continue
                    q, p = after[v], before[v]
                    toll = toll_of(load[k], weight, capacity, penalty)
                    if toll >= least:
                        continue
                    to_v = distance[c, v] + toll
                    extra = to_v + distance[c, q if q <= n else 0] - arc[v]
                    if extra < least:
                        least = extra
                        place = v
                    extra = to_v + distance[c, p if p <= n else 0] - arc[p]
                    if extra < least:
                        least = extra
                        place = p
                for k in range(0 if is_assigned or place >= 0 else top):
                    if size[k] == 0 or load[k] + weight > allowed:
                        continue
                    blink -= 1
                    if blink <= 0:
                        blink = until_blink(word)
                        continue
                    toll = toll_of(load[k], weight, capacity, penalty)
                    if toll >= least:
                        continue
                    to_depot = distance[c, 0] + toll
                    depot = n + 1 + k
                    extra = to_depot + distance[c, after[depot]] - arc[depot]
                    if extra < least:
                        least = extra
                        place = depot
                    p = before[depot]
                    extra = to_depot + distance[c, p] - arc[p]
                    if extra < least:
                        least = extra
                        place = p
                if place < 0:
                    for v in range(1, n + 1):
                        k = route[v]
                        if k < 0 or load[k] + weight > allowed:
                            continue
                        q = after[v]
                        extra = distance[c, v] + distance[c, q if q <= n else 0] - arc[v]
                        extra += toll_of(load[k], weight, capacity, penalty)
                        if extra < least:
                            least = extra
                            place = v
            if n_routes < most and 2.0 * distance[c, 0] < least:
                k = 0
                while size[k] > 0:
                    k += 1
                top = max(top, k + 1)
                least = 2.0 * distance[c, 0]
                place = n + 1 + k
                n_routes += 1
            if place < 0:
                break
            k = place - n - 1 if place > n else route[place]
            link_customer(distance, after, before, arc, c, place)
            route[c] = k
            change += least
            change -= toll_of(load[k], weight, capacity, penalty)
            excess += excess_of(load[k] + weight, capacity) - excess_of(load[k], capacity)
            load[k] += weight
            size[k] += 1
            n_placed += 1
        added = penalty * (excess - excess_before)
        if n_placed == n_freed and change + added < -temperature * math.log(1.0 - draw_uniform(word)):
            n_accepted += 1
            cost[0] += change
            if excess == 0 and cost[0] < cost[1] * (1.0 - _ROUNDING):
                cost[1] = cost[0]
                for x in range(1, n + 1 + top):
                    best[x] = after[x]
        else:
            for i in range(n_placed - 1, -1, -1):
                c = order[i]
                k = route[c]
                unlink_customer(distance, after, before, arc, c)
                load[k] -= demand[c - 1]
                size[k] -= 1
            for i in range(n_freed - 1, -1, -1):
                c = freed[i]
                k = home[i]
                link_customer(distance, after, before, arc, c, origin[i])
                route[c] = k
                load[k] += demand[c - 1]
                size[k] += 1
            n_routes, excess = routes_before, excess_before
        n_fitting += excess == 0
        if move % REVIEW == REVIEW - 1:
            penalty = next_penalty(penalty, n_fitting, temperature, cost[1])
            n_fitting = 0
    cost[2] = penalty
    return n_accepted
