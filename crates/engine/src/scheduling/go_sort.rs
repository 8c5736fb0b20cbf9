//! Go's `sort.Slice`: which of equal elements comes first decides where pods go, and that order is not stable.
//! Source: the pattern-defeating quicksort of Go's package sort (zsortfunc.go, go 1.19 and later).

/// Sorts as `sort.Slice(list, less)` does, equal elements included.
pub fn sort_slice<T>(list: &mut [T], less: impl Fn(&T, &T) -> bool) {
    let n = list.len();
    let limit = usize::BITS - n.leading_zeros();
    Sorter { list, less }.quick(0, n, limit);
}

/// Whether `sort_slice`, from the few places that it looks at first, would take the list for sorted.
pub fn takes_for_sorted<T>(list: &mut [T], less: impl Fn(&T, &T) -> bool) -> bool {
    let n = list.len();
    Sorter { list, less }.choose_pivot(0, n).1 == Hint::Increasing
}

struct Sorter<'a, T, F> {
    list: &'a mut [T],
    less: F,
}

#[derive(PartialEq)]
enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

const INSERTION: usize = 12;
const NINTHER: usize = 50;

impl<T, F: Fn(&T, &T) -> bool> Sorter<'_, T, F> {
    fn less(&self, i: usize, j: usize) -> bool {
        match (self.list.get(i), self.list.get(j)) {
            (Some(a), Some(b)) => (self.less)(a, b),
            _ => false,
        }
    }

    fn swap(&mut self, i: usize, j: usize) {
        if i < self.list.len() && j < self.list.len() {
            self.list.swap(i, j);
        }
    }

    fn insertion(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            let mut j = i;
            while j > a && self.less(j, j - 1) {
                self.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    fn quick(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let (mut balanced, mut partitioned) = (true, true);
        loop {
            let length = b - a;
            if length <= INSERTION {
                return self.insertion(a, b);
            }
            if limit == 0 {
                return self.heap(a, b);
            }
            if !balanced {
                self.break_patterns(a, b);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.choose_pivot(a, b);
            if hint == Hint::Decreasing {
                if let Some(part) = self.list.get_mut(a..b) {
                    part.reverse();
                }
                pivot = (b - 1) - (pivot - a);
                hint = Hint::Increasing;
            }
            if balanced && partitioned && hint == Hint::Increasing && self.partial_insertion(a, b) {
                return;
            }
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let (mid, already) = self.partition(a, b, pivot);
            partitioned = already;
            let (left, right) = (mid - a, b - mid);
            if left < right {
                balanced = left >= length / 8;
                self.quick(a, mid, limit);
                a = mid + 1;
            } else {
                balanced = right >= length / 8;
                self.quick(mid + 1, b, limit);
                b = mid;
            }
        }
    }

    /// Smaller ones left of the pivot's place, the others right of it; whether they already were.
    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        let mut already = true;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                break;
            }
            already = false;
            self.swap(i, j);
            i += 1;
            j -= 1;
        }
        self.swap(j, a);
        (j, already)
    }

    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.swap(i, j);
            i += 1;
            j -= 1;
        }
    }

    /// A few repairs of a nearly sorted range; whether it is sorted then.
    fn partial_insertion(&mut self, a: usize, b: usize) -> bool {
        let mut i = a + 1;
        for _ in 0..5 {
            while i < b && !self.less(i, i - 1) {
                i += 1;
            }
            if i == b {
                return true;
            }
            if b - a < NINTHER {
                return false;
            }
            self.swap(i, i - 1);
            if i - a >= 2 {
                for j in (1..i).rev() {
                    if !self.less(j, j - 1) {
                        break;
                    }
                    self.swap(j, j - 1);
                }
            }
            if b - i >= 2 {
                for j in i + 1..b {
                    if !self.less(j, j - 1) {
                        break;
                    }
                    self.swap(j, j - 1);
                }
            }
        }
        false
    }

    fn break_patterns(&mut self, a: usize, b: usize) {
        let length = b - a;
        if length < 8 {
            return;
        }
        let mut random = length as u64;
        let mask = (1usize << (usize::BITS - length.leading_zeros())) - 1;
        let at = a + (length / 4) * 2 - 1;
        for i in 0..3 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut other = random as usize & mask;
            if other >= length {
                other -= length;
            }
            self.swap(at + i, a + other);
        }
    }

    fn choose_pivot(&self, a: usize, b: usize) -> (usize, Hint) {
        let l = b - a;
        let mut swaps = 0;
        let (mut i, mut j, mut k) = (a + l / 4, a + l / 4 * 2, a + l / 4 * 3);
        if l >= 8 {
            if l >= NINTHER {
                i = self.median(i - 1, i, i + 1, &mut swaps);
                j = self.median(j - 1, j, j + 1, &mut swaps);
                k = self.median(k - 1, k, k + 1, &mut swaps);
            }
            j = self.median(i, j, k, &mut swaps);
        }
        let hint = match swaps {
            0 => Hint::Increasing,
            12 => Hint::Decreasing,
            _ => Hint::Unknown,
        };
        (j, hint)
    }

    fn median(&self, a: usize, b: usize, c: usize, swaps: &mut u32) -> usize {
        let mut order = |x, y| {
            if self.less(y, x) {
                *swaps += 1;
                (y, x)
            } else {
                (x, y)
            }
        };
        let (a, b) = order(a, b);
        let (b, _) = order(b, c);
        order(a, b).1
    }

    fn heap(&mut self, a: usize, b: usize) {
        let n = b - a;
        for i in (0..=(n - 1) / 2).rev() {
            self.sift_down(i, n, a);
        }
        for i in (0..n).rev() {
            self.swap(a, a + i);
            self.sift_down(0, i, a);
        }
    }

    fn sift_down(&mut self, mut root: usize, n: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= n {
                return;
            }
            if child + 1 < n && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.swap(first + root, first + child);
            root = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_lists_keep_the_order_of_equals() {
        let mut list = [(1, 'a'), (0, 'b'), (1, 'c'), (0, 'd')];
        sort_slice(&mut list, |x, y| x.0 < y.0);
        assert_eq!(list, [(0, 'b'), (0, 'd'), (1, 'a'), (1, 'c')]);
    }

    /// The order that Go 1.26 gives for `sort.Slice` over 40 elements by `i*7%5`, printed by a Go program.
    #[test]
    fn equals_of_long_lists_come_as_in_go() {
        let mut list: Vec<usize> = (0..40).collect();
        sort_slice(&mut list, |x, y| x * 7 % 5 < y * 7 % 5);
        assert_eq!(list, GO_40);
    }

    #[rustfmt::skip]
    const GO_40: [usize; 40] = [
        20, 10, 35, 30, 0, 5, 25, 15, 28, 3, 8, 38, 33, 13, 18, 23, 26, 11, 1, 36,
        6, 21, 16, 31, 34, 14, 24, 39, 19, 29, 9, 4, 7, 12, 22, 2, 32, 37, 17, 27,
    ];

    proptest! {
        #[test]
        fn sorts(mut list in prop::collection::vec(0u8..20, 0..300)) {
            let mut sorted = list.clone();
            sorted.sort_unstable();
            sort_slice(&mut list, |a, b| a < b);
            prop_assert_eq!(list, sorted);
        }
    }
}
