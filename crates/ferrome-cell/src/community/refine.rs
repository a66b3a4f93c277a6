//! Communities are taken apart into well-connected ones, so that none ends up in pieces.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Graph;
use super::moves::Around;

/// How freely a node joins one that is not the best, in units of weight; as in igraph.
const RANDOMNESS: f64 = 0.01;

/// Within each community, nodes that are alone join a part of it that is well connected, more likely the more it gains.
pub(super) fn run(graph: &Graph, communities: &[u32], resolution: f64, random: &mut ChaCha8Rng) -> Vec<u32> {
    let nodes = graph.nodes();
    let total = graph.total().max(f64::MIN_POSITIVE);
    let mut whole = vec![0.0; nodes];
    communities.iter().enumerate().for_each(|(node, &community)| whole[community as usize] += graph.degree(node));
    let mut parts: Vec<u32> = (0..nodes as u32).collect();
    let mut degrees: Vec<f64> = (0..nodes).map(|node| graph.degree(node)).collect();
    let mut alone = vec![true; nodes];
    // Weight from each part to the rest of its community.
    let inside = |node: usize| graph.edges(node).filter(move |&(other, _)| communities[other] == communities[node]);
    let mut outward: Vec<f64> = (0..nodes).map(|node| inside(node).map(|(_, weight)| weight).sum()).collect();
    let mut order: Vec<usize> = (0..nodes).collect();
    order.shuffle(random);
    let mut around = Around::new(nodes);
    for node in order {
        let all = whole[communities[node] as usize];
        let connected = |part: usize, degrees: &[f64], outward: &[f64]| {
            outward[part] >= resolution * degrees[part] * (all - degrees[part]) / total
        };
        if !alone[node] || !connected(node, &degrees, &outward) {
            continue;
        }
        around.look(graph, node, &parts, |other| communities[other] == communities[node]);
        let share = resolution * graph.degree(node) / total;
        let choices = around.communities().iter().filter(|&&part| connected(part as usize, &degrees, &outward));
        let gains = choices.map(|&part| (part, around.weight(part) - share * degrees[part as usize]));
        let gains: Vec<(u32, f64)> = gains.filter(|&(_, gain)| gain >= 0.0).collect();
        let Some(part) = choose(&gains, random) else { continue };
        let between = around.weight(part);
        outward[part as usize] += outward[node] - 2.0 * between;
        degrees[part as usize] += graph.degree(node);
        parts[node] = part;
        (alone[node], alone[part as usize]) = (false, false);
    }
    parts
}

// With a probability that grows as exp(gain / randomness).
fn choose(gains: &[(u32, f64)], random: &mut ChaCha8Rng) -> Option<u32> {
    let most = gains.iter().map(|&(_, gain)| gain).fold(f64::NEG_INFINITY, f64::max);
    let weight = |gain: f64| ((gain - most) / RANDOMNESS).exp();
    let mut left = random.random::<f64>() * gains.iter().map(|&(_, gain)| weight(gain)).sum::<f64>();
    let chosen = gains.iter().find(|&&(_, gain)| {
        left -= weight(gain);
        left <= 0.0
    });
    chosen.or(gains.last()).map(|&(part, _)| part)
}
