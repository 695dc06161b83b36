//! The most requests that anybody could have served who knows all weeks beforehand: a maximum flow from the minutes' demand through the
//! short windows into the long ones.

use crate::world::{MINUTE, World, within};
use std::collections::VecDeque;

#[derive(Default)]
struct Flow {
    /// Target and what still fits; the edge back is the next one or the one before.
    edges: Vec<(usize, u32)>,
    out: Vec<Vec<usize>>,
}

impl Flow {
    fn node(&mut self) -> usize {
        self.out.push(Vec::new());
        self.out.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, fits: u32) {
        self.out[from].push(self.edges.len());
        self.edges.push((to, fits));
        self.out[to].push(self.edges.len());
        self.edges.push((from, 0));
    }

    /// Dinic's algorithm.
    fn most(&mut self, source: usize, sink: usize) -> u32 {
        let mut total = 0;
        loop {
            let mut level = vec![usize::MAX; self.out.len()];
            level[source] = 0;
            let mut line = VecDeque::from([source]);
            while let Some(node) = line.pop_front() {
                for edge in &self.out[node] {
                    let (to, fits) = self.edges[*edge];
                    if fits > 0 && level[to] == usize::MAX {
                        level[to] = level[node] + 1;
                        line.push_back(to);
                    }
                }
            }
            if level[sink] == usize::MAX {
                return total;
            }
            let mut next = vec![0; self.out.len()];
            loop {
                let pushed = self.push(source, sink, u32::MAX, &level, &mut next);
                if pushed == 0 {
                    break;
                }
                total += pushed;
            }
        }
    }

    fn push(
        &mut self,
        node: usize,
        sink: usize,
        most: u32,
        level: &[usize],
        next: &mut [usize],
    ) -> u32 {
        if node == sink {
            return most;
        }
        while let Some(edge) = self.out[node].get(next[node]).copied() {
            let (to, fits) = self.edges[edge];
            if fits > 0 && level[to] == level[node] + 1 {
                let pushed = self.push(to, sink, most.min(fits), level, next);
                if pushed > 0 {
                    self.edges[edge].1 -= pushed;
                    self.edges[edge ^ 1].1 += pushed;
                    return pushed;
                }
            }
            next[node] += 1;
        }
        0
    }
}

/// The most that could have been served.
pub fn most(world: &World) -> u32 {
    let mut flow = Flow::default();
    let (source, sink) = (flow.node(), flow.node());
    let mut shorts = Vec::new();
    for account in &world.accounts {
        let longs: Vec<_> = account
            .long
            .iter()
            .map(|long| {
                let node = flow.node();
                flow.edge(node, sink, long.holds);
                (long.when, node)
            })
            .collect();
        let nodes = account.short.iter().map(|short| {
            let node = flow.node();
            let (_, long) = longs
                .iter()
                .find(|(when, _)| when.1 > short.when.0)
                .unwrap();
            flow.edge(node, *long, short.holds);
            (short.when, node)
        });
        shorts.push(nodes.collect::<Vec<_>>());
    }
    // Minutes in which the same windows are open to the same accounts are one node.
    let mut open: Vec<usize> = Vec::new();
    let mut waiting = 0;
    let mut places = vec![0; shorts.len()];
    for (minute, demand) in (0_i64..).zip(&world.demand) {
        let now = minute * MINUTE;
        let mut here = Vec::new();
        for (account, truth) in world.accounts.iter().enumerate() {
            while shorts[account][places[account]].0.1 <= now {
                places[account] += 1;
            }
            if !truth.switched_off && !within(&truth.down, now) && !within(&truth.revoked, now) {
                here.push(shorts[account][places[account]].1);
            }
        }
        if within(&world.no_network, now) {
            here.clear();
        }
        if here != open {
            enter(&mut flow, source, waiting, &open);
            (open, waiting) = (here, 0);
        }
        waiting += demand;
    }
    enter(&mut flow, source, waiting, &open);
    flow.most(source, sink)
}

fn enter(flow: &mut Flow, source: usize, demand: u32, open: &[usize]) {
    if demand == 0 {
        return;
    }
    let node = flow.node();
    flow.edge(source, node, demand);
    for window in open {
        flow.edge(node, *window, demand);
    }
}
