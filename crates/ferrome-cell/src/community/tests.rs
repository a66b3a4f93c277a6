use rand::Rng;

use super::*;

/// The friendships of Zachary's karate club (1977).
const CLUB: [(u32, u32); 78] = [
    (0, 1),
    (0, 2),
    (0, 3),
    (0, 4),
    (0, 5),
    (0, 6),
    (0, 7),
    (0, 8),
    (0, 10),
    (0, 11),
    (0, 12),
    (0, 13),
    (0, 17),
    (0, 19),
    (0, 21),
    (0, 31),
    (1, 2),
    (1, 3),
    (1, 7),
    (1, 13),
    (1, 17),
    (1, 19),
    (1, 21),
    (1, 30),
    (2, 3),
    (2, 7),
    (2, 8),
    (2, 9),
    (2, 13),
    (2, 27),
    (2, 28),
    (2, 32),
    (3, 7),
    (3, 12),
    (3, 13),
    (4, 6),
    (4, 10),
    (5, 6),
    (5, 10),
    (5, 16),
    (6, 16),
    (8, 30),
    (8, 32),
    (8, 33),
    (9, 33),
    (13, 33),
    (14, 32),
    (14, 33),
    (15, 32),
    (15, 33),
    (18, 32),
    (18, 33),
    (19, 33),
    (20, 32),
    (20, 33),
    (22, 32),
    (22, 33),
    (23, 25),
    (23, 27),
    (23, 29),
    (23, 32),
    (23, 33),
    (24, 25),
    (24, 27),
    (24, 31),
    (25, 31),
    (26, 29),
    (26, 33),
    (27, 33),
    (28, 31),
    (28, 33),
    (29, 32),
    (29, 33),
    (30, 32),
    (30, 33),
    (31, 32),
    (31, 33),
    (32, 33),
];

fn club() -> Graph {
    Graph::new(34, CLUB.map(|(a, b)| (a, b, 1.0)))
}

#[test]
fn best_partition_of_the_karate_club() {
    // The maximum of modularity is known: 0.4198, with four communities (Brandes et al. 2008).
    let communities = leiden(&club(), &Options::default());
    assert_eq!(communities.iter().max(), Some(&3));
    let found = modularity(&club(), &communities, 1.0);
    assert!((found - 0.419_789_6).abs() < 1e-6, "{found}");
}

#[test]
fn resolution_decides_how_many() {
    let count = |resolution: f64| {
        let communities = leiden(&club(), &Options { resolution, ..Options::default() });
        communities.iter().max().map_or(0, |most| most + 1)
    };
    assert_eq!(count(0.05), 1);
    assert!(count(0.5) < count(1.5) && count(1.5) < count(6.0));
    assert_eq!(count(100.0), 34);
}

#[test]
fn planted_communities_are_found_exactly() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (nodes, groups) = (400_u32, 8_u32);
    let mut edges = Vec::new();
    for a in 0..nodes {
        for b in a + 1..nodes {
            let share = if a % groups == b % groups { 0.3 } else { 0.02 };
            if random.random::<f64>() < share {
                edges.push((a, b, 1.0));
            }
        }
    }
    let graph = Graph::new(nodes as usize, edges);
    for seed in 0..5 {
        let communities = leiden(&graph, &Options { seed, ..Options::default() });
        for a in 0..nodes as usize {
            assert_eq!(communities[a], communities[a % groups as usize], "seed {seed}, node {a}");
        }
        assert_eq!(communities.iter().max(), Some(&(groups - 1)));
    }
}

#[test]
fn every_community_hangs_together() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let edges: Vec<_> = (0..900).map(|_| (random.random_range(0..300), random.random_range(0..300), 1.0)).collect();
    let graph = Graph::new(300, edges);
    let communities = leiden(&graph, &Options { resolution: 2.0, ..Options::default() });
    for community in 0..=*communities.iter().max().unwrap() {
        let members: Vec<usize> = (0..300).filter(|&node| communities[node] == community).collect();
        let mut reached = vec![members[0]];
        let mut next = 0;
        while let Some(&node) = reached.get(next) {
            next += 1;
            for (other, _) in graph.edges(node) {
                if communities[other] == community && !reached.contains(&other) {
                    reached.push(other);
                }
            }
        }
        assert_eq!(reached.len(), members.len(), "community {community}");
    }
}

#[test]
fn weights_count() {
    // A square whose opposite sides are heavy.
    let graph = Graph::new(4, [(0, 1, 10.0), (1, 2, 1.0), (2, 3, 10.0), (3, 0, 1.0)]);
    assert_eq!(leiden(&graph, &Options::default()), [0, 0, 1, 1]);
    let graph = Graph::new(4, [(0, 1, 1.0), (1, 2, 10.0), (2, 3, 1.0), (3, 0, 4.0), (3, 0, 6.0)]);
    assert_eq!(leiden(&graph, &Options::default()), [0, 1, 1, 0]);
}

#[test]
fn same_seed_gives_the_same() {
    let run = |seed: u64| leiden(&club(), &Options { seed, resolution: 1.3, ..Options::default() });
    assert_eq!(run(4), run(4));
}

#[test]
fn graphs_without_edges_or_nodes() {
    assert_eq!(leiden(&Graph::new(3, []), &Options::default()), [0, 1, 2]);
    assert!(leiden(&Graph::new(0, []), &Options::default()).is_empty());
    assert_eq!(leiden(&Graph::new(2, [(0, 1, f64::NAN), (0, 9, 1.0), (1, 0, -1.0)]), &Options::default()), [0, 1]);
    assert_eq!(leiden(&Graph::new(2, [(0, 0, 3.0), (0, 1, 1.0)]), &Options::default()).len(), 2);
}

#[test]
fn joined_nodes_keep_all_weight() {
    let groups: Vec<u32> = (0..34).map(|node| node % 5).collect();
    let joined = club().joined(&groups, 5);
    assert_eq!(joined.total(), club().total());
    let each: Vec<u32> = (0..5).collect();
    let (apart, together) = (modularity(&club(), &groups, 1.0), modularity(&joined, &each, 1.0));
    assert!((apart - together).abs() < 1e-12, "{apart} {together}");
}
