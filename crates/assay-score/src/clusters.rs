/// Items grouped into clusters that belong together, such as the answers to one prompt.
///
/// ```
/// use assay_score::Clusters;
/// let clusters = Clusters::new(&["b", "a", "b"]);
/// assert_eq!((clusters.len(), clusters.items()), (2, 3));
/// assert_eq!(clusters.members(1), [0, 2]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    /// The items, cluster by cluster.
    members: Vec<usize>,
    /// Where each cluster begins in `members`, and the end.
    starts: Vec<usize>,
}

impl Clusters {
    /// Groups items by their labels: item `i` belongs to the cluster `labels[i]`. Clusters are in the
    /// order of their labels, and the items of one keep their order.
    pub fn new<K: Ord>(labels: &[K]) -> Self {
        let mut members: Vec<usize> = (0..labels.len()).collect();
        members.sort_by(|&a, &b| labels[a].cmp(&labels[b]));
        let mut starts = vec![0];
        let mut end = 0;
        for cluster in members.chunk_by(|&a, &b| labels[a] == labels[b]) {
            end += cluster.len();
            starts.push(end);
        }
        Self { members, starts }
    }

    /// The number of clusters.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The number of items in all clusters.
    pub fn items(&self) -> usize {
        self.members.len()
    }

    /// The items of one cluster; none for a cluster that does not exist.
    pub fn members(&self, cluster: usize) -> &[usize] {
        match self.starts.get(cluster..).unwrap_or_default() {
            &[start, end, ..] => &self.members[start..end],
            _ => &[],
        }
    }

    /// The items of each cluster.
    pub fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.starts.windows(2).map(|range| &self.members[range[0]..range[1]])
    }
}
