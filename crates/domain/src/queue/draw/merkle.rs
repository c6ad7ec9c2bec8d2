//! Merkle trees as RFC 6962 has them: leaves are hashed after a 0x00 byte, nodes after 0x01, and a tree that is not full is split at
//! the largest power of two.

use sha2::{Digest, Sha256};

use super::MerkleRoot;

/// A leaf's or a node's hash.
pub type Hash = [u8; 32];

/// Leaves of a block. A tree's blocks are its perfect subtrees of this size, and what is left: their roots, as if they were leaves, have the
/// tree's root.
pub const BLOCK_LEAVES: usize = 4_096;

/// Of a leaf's content.
pub fn leaf(content: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(content).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Root over these hashes. That of an empty tree is the hash of nothing.
pub fn root(hashes: &[Hash]) -> MerkleRoot {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = parents(&level);
    }
    MerkleRoot(level.first().copied().unwrap_or_else(|| Sha256::digest([]).into()))
}

/// Pairing neighbours and promoting an odd last node builds the same tree as splitting at the largest power of two.
fn parents(level: &[Hash]) -> Vec<Hash> {
    let parent = |pair: &[Hash]| match pair {
        [left, right] => node(left, right),
        odd => odd[0],
    };
    level.chunks(2).map(parent).collect()
}

/// The siblings on the way from the hash with this index to the root, the lowest first.
pub fn path(hashes: &[Hash], index: usize) -> Vec<Hash> {
    let (mut level, mut index, mut path) = (hashes.to_vec(), index, Vec::new());
    while level.len() > 1 {
        path.extend(level.get(index ^ 1));
        (level, index) = (parents(&level), index / 2);
    }
    path
}

/// The root of a tree of so many leaves in which this one has this index and these siblings; none where they cannot belong together.
pub fn root_of_path(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> Option<MerkleRoot> {
    if index >= size {
        return None;
    }
    let (mut at, mut last, mut hash, mut siblings) = (index, size - 1, leaf, path.iter());
    while last > 0 {
        if at % 2 == 1 {
            hash = node(siblings.next()?, &hash);
        } else if at < last {
            hash = node(&hash, siblings.next()?);
        }
        (at, last) = (at / 2, last / 2);
    }
    siblings.next().is_none().then_some(MerkleRoot(hash))
}

/// The hashes of a tree's blocks ([`BLOCK_LEAVES`]), leaf by leaf.
#[derive(Debug, Default)]
pub struct Blocks {
    full: Vec<Hash>,
    block: Vec<Hash>,
}

impl Blocks {
    /// One more leaf.
    pub fn push(&mut self, content: &[u8]) {
        self.block.push(leaf(content));
        if self.block.len() == BLOCK_LEAVES {
            self.full.push(root(&self.block).0);
            self.block.clear();
        }
    }

    /// All of them: the last one may not be full.
    pub fn finish(mut self) -> Vec<Hash> {
        if !self.block.is_empty() {
            self.full.push(root(&self.block).0);
        }
        self.full
    }
}

/// The way from a leaf to the root, by the leaf's block and the hashes of all blocks. `index` is the leaf's in the tree.
pub fn path_by_block(block: &[Hash], blocks: &[Hash], index: usize) -> Vec<Hash> {
    [path(block, index % BLOCK_LEAVES), path(blocks, index / BLOCK_LEAVES)].concat()
}

/// A tree that grows: 32 bytes for each bit of its size.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MerkleLog {
    size: u64,
    /// Roots of the perfect subtrees that it is made of, the largest first.
    peaks: Vec<Hash>,
}

impl MerkleLog {
    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// One more leaf.
    pub fn push(&mut self, content: &[u8]) {
        let mut hash = leaf(content);
        for _ in 0..self.size.trailing_ones() {
            // There is a peak for each bit of the size.
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root over the leaves so far.
    pub fn root(&self) -> MerkleRoot {
        let root = self.peaks.iter().rev().copied().reduce(|right, left| node(&left, &right));
        MerkleRoot(root.unwrap_or_else(|| Sha256::digest([]).into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 6962, section 2.1, as it is written there.
    fn rfc(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            more => {
                let split = more.len().next_power_of_two() / 2;
                node(&rfc(&more[..split]), &rfc(&more[split..]))
            }
        }
    }

    fn leaves(n: u16) -> Vec<Hash> {
        (0..n).map(|n| leaf(&n.to_be_bytes())).collect()
    }

    #[test]
    fn an_empty_tree_has_the_hash_of_nothing() {
        assert_eq!(root(&[]).to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(MerkleLog::default().root(), root(&[]));
    }

    #[test]
    fn a_leaf_is_proved_by_its_block() {
        let n = 2 * BLOCK_LEAVES + 3;
        let leaves: Vec<Hash> = (0..n).map(|n| leaf(&n.to_be_bytes())).collect();
        let mut blocks = Blocks::default();
        (0..n).for_each(|n| blocks.push(&n.to_be_bytes()));
        let blocks = blocks.finish();
        assert_eq!((blocks.len(), root(&blocks)), (3, root(&leaves)));
        for index in [0, 1, BLOCK_LEAVES - 1, BLOCK_LEAVES, n - 3, n - 1] {
            let block = leaves.chunks(BLOCK_LEAVES).nth(index / BLOCK_LEAVES).unwrap();
            let path = path_by_block(block, &blocks, index);
            assert_eq!(root_of_path(index as u64, n as u64, leaves[index], &path), Some(root(&leaves)), "{index}");
        }
    }

    proptest! {
        #[test]
        fn trees_are_those_of_the_rfc_however_they_are_built(n in 0_u16..300) {
            let leaves = leaves(n);
            let expected = MerkleRoot(rfc(&leaves));
            prop_assert_eq!(root(&leaves), expected);
            let mut log = MerkleLog::default();
            (0..n).for_each(|n| log.push(&n.to_be_bytes()));
            prop_assert_eq!((log.root(), log.size()), (expected, u64::from(n)));
            let blocks: Vec<Hash> = leaves.chunks(16).map(|block| root(block).0).collect();
            prop_assert_eq!(root(&blocks), expected);
        }

        #[test]
        fn a_leaf_is_proved_where_it_is_and_nowhere_else(n in 1_u16..300, at: prop::sample::Index, other: prop::sample::Index) {
            let leaves = leaves(n);
            let (index, size) = (at.index(leaves.len()), u64::from(n));
            let (path, wrong) = (path(&leaves, index), other.index(leaves.len()));
            prop_assert_eq!(root_of_path(index as u64, size, leaves[index], &path), Some(root(&leaves)));
            let elsewhere = root_of_path(wrong as u64, size, leaves[index], &path);
            prop_assert_eq!(elsewhere == Some(root(&leaves)), wrong == index);
            prop_assert_eq!(root_of_path(size, size, leaves[index], &path), None);
            let longer = [path.as_slice(), &[[0; 32]]].concat();
            prop_assert_eq!(root_of_path(index as u64, size, leaves[index], &longer), None);
        }
    }
}
