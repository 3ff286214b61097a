//! The tree of RFC 6962 over leaf hashes: its root as it grows, and proofs from any of its sizes to another.

use sha2::{Digest as _, Sha256};
use tlog_tiles::tlog::{
    Error, Hash, HashReader, RecordProof, TreeProof, check_record, check_tree, node_hash, prove_record,
    prove_tree, stored_hash_index, stored_hashes_for_record_hash, tree_hash,
};

/// A hash of the tree: of a leaf, of two nodes, or the root.
pub type Node = [u8; 32];

/// The root over no leaf at all.
#[must_use]
pub fn empty_root() -> Node {
    Sha256::digest([]).into()
}

/// The right edge of a growing tree: as much of it as the next leaf and the root need, a few hundred bytes whatever
/// the size.
#[derive(Debug, Clone, Default)]
pub struct Frontier {
    size: u64,
    /// The roots of the whole subtrees, from the largest.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// How many leaves there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Take the next leaf in.
    pub fn push(&mut self, leaf: Node) {
        let mut subtree = Hash(leaf);
        // Each trailing one of the size is a whole subtree as large as the one that has grown beside it.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                subtree = node_hash(left, subtree);
            }
        }
        self.peaks.push(subtree);
        self.size += 1;
    }

    /// The root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Node {
        let all = self.peaks.iter().rev().copied().reduce(|right, left| node_hash(left, right));
        all.map_or_else(empty_root, |root| root.0)
    }
}

/// The whole tree, for proofs: 64 bytes a leaf.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    size: u64,
    stored: Vec<Hash>,
}

struct Stored<'t>(&'t [Hash]);

impl HashReader for Stored<'_> {
    fn read_hashes(&self, places: &[u64]) -> Result<Vec<Hash>, Error> {
        let at = |place: &u64| usize::try_from(*place).ok().and_then(|place| self.0.get(place)).copied();
        places.iter().map(|place| at(place).ok_or(Error::IndexesNotInTree)).collect()
    }
}

impl Tree {
    /// How many leaves there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Take the next leaf in.
    ///
    /// # Errors
    /// Never for a tree of this type.
    pub fn push(&mut self, leaf: Node) -> Result<(), Error> {
        let more = stored_hashes_for_record_hash(self.size, Hash(leaf), &Stored(&self.stored))?;
        self.stored.extend(more);
        self.size += 1;
        Ok(())
    }

    /// The leaf at `index`.
    ///
    /// # Errors
    /// When there is none.
    pub fn leaf(&self, index: u64) -> Result<Node, Error> {
        let found = Stored(&self.stored).read_hashes(&[stored_hash_index(0, index)])?;
        found.first().map(|leaf| leaf.0).ok_or(Error::IndexesNotInTree)
    }

    /// The root over the first `size` leaves.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn root(&self, size: u64) -> Result<Node, Error> {
        if size == 0 {
            return Ok(empty_root());
        }
        Ok(tree_hash(size, &Stored(&self.stored))?.0)
    }

    /// The proof that a leaf stands at `index` in the tree of `size` leaves.
    ///
    /// # Errors
    /// When it does not.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Node>, Error> {
        let proof = prove_record(size, index, &Stored(&self.stored))?;
        Ok(proof.into_iter().map(|node| node.0).collect())
    }

    /// The proof that the tree of `to` leaves begins with that of `from` leaves.
    ///
    /// # Errors
    /// When `from` is none or more than `to`, or there are fewer than `to`.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Node>, Error> {
        let proof = prove_tree(to, from, &Stored(&self.stored))?;
        Ok(proof.into_iter().map(|node| node.0).collect())
    }
}

/// Whether a proof shows that a leaf stands at `index` under the root of `size` leaves. Take size and root from a
/// signed checkpoint only: the proof does not bind the size.
#[must_use]
pub fn includes(proof: &[Node], (size, root): (u64, Node), index: u64, leaf: Node) -> bool {
    let proof: RecordProof = proof.iter().copied().map(Hash).collect();
    check_record(&proof, size, Hash(root), index, Hash(leaf)).is_ok()
}

/// Whether a proof shows that the larger tree begins with the smaller one.
#[must_use]
pub fn continues(proof: &[Node], (from, old): (u64, Node), (to, new): (u64, Node)) -> bool {
    let proof: TreeProof = proof.iter().copied().map(Hash).collect();
    check_tree(&proof, to, Hash(new), from, Hash(old)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(index: u64) -> Node {
        let mut hash = Sha256::new();
        hash.update([0]);
        hash.update(index.to_be_bytes());
        hash.finalize().into()
    }

    /// RFC 6962, section 2.1, word for word: the split at the largest power of two smaller than n.
    fn by_definition(leaves: &[Node]) -> Node {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            more => {
                let split = more.len().next_power_of_two() / 2;
                let (left, right) = more.split_at(split);
                let mut hash = Sha256::new();
                hash.update([1]);
                hash.update(by_definition(left));
                hash.update(by_definition(right));
                hash.finalize().into()
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_definition_at_every_size() {
        let leaves: Vec<Node> = (0..130).map(leaf).collect();
        let (mut frontier, mut tree) = (Frontier::default(), Tree::default());
        for (size, one) in (0..).zip(&leaves) {
            assert_eq!(frontier.root(), by_definition(&leaves[..usize::try_from(size).unwrap()]), "{size}");
            assert_eq!(tree.root(size).unwrap(), frontier.root());
            frontier.push(*one);
            tree.push(*one).unwrap();
        }
        assert_eq!((frontier.size(), tree.size()), (130, 130));
        assert_eq!(tree.root(77).unwrap(), by_definition(&leaves[..77]));
        assert!(tree.root(131).is_err());
    }

    #[test]
    fn every_proof_holds_and_no_other_leaf_place_or_root_passes() {
        let mut tree = Tree::default();
        (0..67).for_each(|index| tree.push(leaf(index)).unwrap());
        for size in 1..=67 {
            let root = tree.root(size).unwrap();
            for index in 0..size {
                let proof = tree.inclusion(index, size).unwrap();
                assert!(includes(&proof, (size, root), index, leaf(index)));
                assert!(!includes(&proof, (size, root), index, leaf(index + 1)));
                assert!(!includes(&proof, (size, leaf(0)), index, leaf(index)) || size == 1);
                let mut bent = proof.clone();
                if let Some(node) = bent.last_mut() {
                    node[31] ^= 1;
                    assert!(!includes(&bent, (size, root), index, leaf(index)));
                }
            }
            for from in 1..=size {
                let (old, proof) = (tree.root(from).unwrap(), tree.consistency(from, size).unwrap());
                assert!(continues(&proof, (from, old), (size, root)));
                let mut other = old;
                other[0] ^= 1;
                assert!(!continues(&proof, (from, other), (size, root)));
            }
        }
        assert!(tree.inclusion(67, 67).is_err() && tree.consistency(3, 68).is_err());
    }
}
