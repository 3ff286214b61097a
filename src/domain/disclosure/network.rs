//! What can be worked out from sums: figures as flows through a network, and how far one of them can be moved while
//! the others stay within what is published of them. For sums of this kind that is exact, in whole numbers.

use std::collections::VecDeque;

/// A figure, from one sum to another: its count, and the least and the most that is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub from: usize,
    pub to: usize,
    pub flow: i64,
    pub low: i64,
    pub high: i64,
}

/// Figures that add up: what flows into a node flows out of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Network {
    pub edges: Vec<Edge>,
    beside: Vec<Vec<usize>>,
}

impl Network {
    pub(super) fn add(&mut self, edge: Edge) {
        let nodes = self.beside.len().max(edge.from + 1).max(edge.to + 1);
        self.beside.resize(nodes, Vec::new());
        self.beside[edge.from].push(self.edges.len());
        self.beside[edge.to].push(self.edges.len());
        self.edges.push(edge);
    }

    /// The least and the most that a figure can be, given what is known of all others; looked for within `wanted` only.
    pub(super) fn range(&self, figure: usize, wanted: (i64, i64)) -> (i64, i64) {
        let Edge { from, to, flow, low, high } = self.edges[figure];
        let down = flow - wanted.0.max(low);
        let up = wanted.1.min(high) - flow;
        (flow - self.moved(figure, (from, to), down), flow + self.moved(figure, (to, from), up))
    }

    /// How much, up to `enough`, can be sent from one node to another past a figure.
    fn moved(&self, past: usize, (from, to): (usize, usize), enough: i64) -> i64 {
        let mut flows: Vec<i64> = self.edges.iter().map(|edge| edge.flow).collect();
        let mut sent = 0;
        while sent < enough {
            let Some(way) = self.way(&flows, past, (from, to)) else { break };
            let room = way.iter().map(|(edge, forward)| self.room(&flows, *edge, *forward));
            let more = room.min().map_or(enough - sent, |room| room.min(enough - sent));
            for (edge, forward) in way {
                flows[edge] += if forward { more } else { -more };
            }
            sent += more;
        }
        sent.max(0)
    }

    fn room(&self, flows: &[i64], edge: usize, forward: bool) -> i64 {
        if forward { self.edges[edge].high - flows[edge] } else { flows[edge] - self.edges[edge].low }
    }

    /// The shortest way from one node to another along which something can still be sent.
    fn way(&self, flows: &[i64], past: usize, (from, to): (usize, usize)) -> Option<Vec<(usize, bool)>> {
        let mut came: Vec<Option<(usize, bool)>> = vec![None; self.beside.len()];
        let mut waiting = VecDeque::from([from]);
        while let Some(node) = waiting.pop_front().filter(|node| *node != to) {
            for edge in self.beside[node].iter().copied().filter(|edge| *edge != past) {
                let forward = self.edges[edge].from == node;
                let next = if forward { self.edges[edge].to } else { self.edges[edge].from };
                if next != from && came[next].is_none() && self.room(flows, edge, forward) > 0 {
                    came[next] = Some((edge, forward));
                    waiting.push_back(next);
                }
            }
        }
        let (mut way, mut node) = (Vec::new(), to);
        while node != from {
            let (edge, forward) = came[node]?;
            way.push((edge, forward));
            node = if forward { self.edges[edge].from } else { self.edges[edge].to };
        }
        Some(way)
    }
}
