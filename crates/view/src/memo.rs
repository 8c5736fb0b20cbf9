//! One remembered result: views are asked for every frame and change only now and then.

use std::rc::Rc;

/// Keeps the last value together with the key it was computed from.
#[derive(Debug)]
pub struct Memo<K, V>(Option<(K, Rc<V>)>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Memo(None)
    }
}

impl<K: PartialEq, V: PartialEq> Memo<K, V> {
    /// The value for `key`, computed only when the key differs from the last one. A recomputed value that is equal to
    /// the old one keeps the old pointer, so that a pointer comparison tells whether something is to be drawn.
    pub fn get(&mut self, key: K, compute: impl FnOnce() -> V) -> Rc<V> {
        let old = self.0.take();
        let value = match old {
            Some((k, v)) if k == key => v,
            Some((_, v)) => {
                let new = compute();
                if *v == new { v } else { Rc::new(new) }
            }
            None => Rc::new(compute()),
        };
        self.0 = Some((key, value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_once_per_key_and_keeps_equal_values() {
        let mut memo = Memo::default();
        let a = memo.get(1, || "x".to_owned());
        let b = memo.get(1, || "computed again".to_owned());
        assert!(Rc::ptr_eq(&a, &b));
        let c = memo.get(2, || "x".to_owned());
        assert!(Rc::ptr_eq(&a, &c), "an equal value keeps its pointer");
        let d = memo.get(3, || "y".to_owned());
        assert_eq!(*d, "y");
    }
}
