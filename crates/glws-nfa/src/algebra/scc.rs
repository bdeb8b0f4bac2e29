//! Strongly connected components.

/// The strongly connected components of a graph given by every node's successors, each component
/// after all that it leads to.
///
/// R. Tarjan, "Depth-first search and linear graph algorithms", 1972, with a stack of our own.
pub(super) fn components(next: &[Vec<u32>]) -> Vec<Vec<u32>> {
    const UNSEEN: u32 = u32::MAX;
    let mut order = vec![UNSEEN; next.len()];
    let mut low = vec![0_u32; next.len()];
    let mut open = vec![false; next.len()];
    let mut stack: Vec<u32> = Vec::new();
    let mut calls: Vec<(u32, usize)> = Vec::new();
    let mut components = Vec::new();
    let mut count = 0;
    for root in 0..next.len() {
        if order[root] != UNSEEN {
            continue;
        }
        calls.push((root as u32, 0));
        while let Some((node, arc)) = calls.pop() {
            let here = node as usize;
            if arc == 0 {
                order[here] = count;
                low[here] = count;
                count += 1;
                open[here] = true;
                stack.push(node);
            } else {
                // Back from the successor before.
                let child = next[here][arc - 1] as usize;
                if open[child] {
                    low[here] = low[here].min(low[child]);
                }
            }
            let mut index = arc;
            let mut descend = None;
            while let Some(&to) = next[here].get(index) {
                index += 1;
                if order[to as usize] == UNSEEN {
                    descend = Some(to);
                    break;
                }
                if open[to as usize] {
                    low[here] = low[here].min(order[to as usize]);
                }
            }
            if let Some(to) = descend {
                calls.push((node, index));
                calls.push((to, 0));
            } else if low[here] == order[here] {
                let mut component = Vec::new();
                while let Some(member) = stack.pop() {
                    open[member as usize] = false;
                    component.push(member);
                    if member == node {
                        break;
                    }
                }
                components.push(component);
            }
        }
    }
    components
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn components_come_in_reverse_order() {
        let graph = [vec![1], vec![2, 0], vec![3, 3], vec![], vec![4, 0]];
        let mut found = components(&graph);
        for component in &mut found {
            component.sort_unstable();
        }
        assert_eq!(found, [vec![3], vec![2], vec![0, 1], vec![4]]);
    }
}
