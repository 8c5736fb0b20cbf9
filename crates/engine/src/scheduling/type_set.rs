//! A set of small numbers as bits: instance types of a table, in its order.

/// Numbers below a fixed size. Sets that are combined must have the same size.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeSet {
    words: Vec<u64>,
}

impl TypeSet {
    /// The empty set over `0..size`.
    pub fn empty(size: usize) -> TypeSet {
        TypeSet { words: vec![0; size.div_ceil(64)] }
    }

    pub fn full(size: usize) -> TypeSet {
        let mut set = TypeSet { words: vec![u64::MAX; size.div_ceil(64)] };
        if let (Some(last), rest @ 1..) = (set.words.last_mut(), size % 64) {
            *last = (1 << rest) - 1;
        }
        set
    }

    pub fn of(size: usize, members: impl IntoIterator<Item = usize>) -> TypeSet {
        let mut set = TypeSet::empty(size);
        for i in members {
            set.insert(i);
        }
        set
    }

    /// Makes room for numbers below `size`.
    pub fn grow(&mut self, size: usize) {
        let words = size.div_ceil(64);
        if words > self.words.len() {
            self.words.resize(words, 0);
        }
    }

    /// The set with as many words, without members.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Takes out the members of `other`.
    pub fn drop_all(&mut self, other: &TypeSet) {
        for (word, theirs) in self.words.iter_mut().zip(&other.words) {
            *word &= !theirs;
        }
    }

    /// Whether both have a member in common.
    pub fn meets(&self, other: &TypeSet) -> bool {
        self.words.iter().zip(&other.words).any(|(a, b)| a & b != 0)
    }

    /// The smallest member.
    pub fn first(&self) -> Option<usize> {
        let (i, word) = self.words.iter().enumerate().find(|(_, w)| **w != 0)?;
        Some(i * 64 + word.trailing_zeros() as usize)
    }

    pub fn insert(&mut self, i: usize) {
        if let Some(word) = self.words.get_mut(i / 64) {
            *word |= 1 << (i % 64);
        }
    }

    pub fn remove(&mut self, i: usize) {
        if let Some(word) = self.words.get_mut(i / 64) {
            *word &= !(1 << (i % 64));
        }
    }

    pub fn contains(&self, i: usize) -> bool {
        self.words.get(i / 64).is_some_and(|w| w >> (i % 64) & 1 == 1)
    }

    pub fn keep(&mut self, other: &TypeSet) {
        for (word, theirs) in self.words.iter_mut().zip(other.words.iter().chain(std::iter::repeat(&0))) {
            *word &= theirs;
        }
    }

    pub fn add(&mut self, other: &TypeSet) {
        for (word, theirs) in self.words.iter_mut().zip(&other.words) {
            *word |= theirs;
        }
    }

    pub fn and(&self, other: &TypeSet) -> TypeSet {
        let mut set = self.clone();
        set.keep(other);
        set
    }

    /// Members of this set that are not in `other`.
    pub fn without(&self, other: &TypeSet) -> TypeSet {
        let mut set = self.clone();
        set.drop_all(other);
        set
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    pub fn len(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Members in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(i, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    i * 64 + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let a = TypeSet::of(200, [0, 63, 64, 199]);
        assert_eq!(a.iter().collect::<Vec<_>>(), [0, 63, 64, 199]);
        let b = TypeSet::of(200, [64, 3, 199]);
        assert_eq!(a.and(&b).iter().collect::<Vec<_>>(), [64, 199]);
        assert_eq!(a.without(&b).iter().collect::<Vec<_>>(), [0, 63]);
        assert_eq!((a.len(), TypeSet::full(130).len(), a.contains(1), a.contains(64)), (4, 130, false, true));
        assert!(TypeSet::empty(9).is_empty());
    }
}
