//! Kendall's tau between two orders: 1 where they are the same, -1 where one is the reverse of the other.

/// Tau of numbers that would be rising if the orders were the same. Knight's method (JASA 61, 1966): the pairs that are out of order
/// are those a merge sort exchanges. Sorts them.
pub(crate) fn kendall_tau(order: &mut [u32]) -> f64 {
    let pairs = |n: usize| n as u64 * (n as u64).saturating_sub(1) / 2;
    let all = pairs(order.len());
    if all == 0 {
        return 1.0;
    }
    let mut space = vec![0; order.len()];
    let exchanged = sort(order, &mut space);
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = exchanged as f64 / all as f64;
    1.0 - 2.0 * share
}

fn sort(order: &mut [u32], space: &mut [u32]) -> u64 {
    if order.len() < 2 {
        return 0;
    }
    let middle = order.len() / 2;
    let (left, right) = order.split_at_mut(middle);
    let (left_space, right_space) = space.split_at_mut(middle);
    let mut exchanged = sort(left, left_space) + sort(right, right_space);
    if left.last() <= right.first() {
        return exchanged;
    }
    let (mut i, mut j) = (0, 0);
    for slot in space.iter_mut() {
        if j == right.len() || (i < left.len() && left[i] <= right[j]) {
            *slot = left[i];
            i += 1;
        } else {
            *slot = right[j];
            j += 1;
            exchanged += (left.len() - i) as u64;
        }
    }
    order.copy_from_slice(space);
    exchanged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_orders_reversed_ones_and_one_exchange() {
        let tau = |order: &[u32]| kendall_tau(&mut order.to_vec());
        assert!((tau(&[0, 1, 2, 3]) - 1.0).abs() < f64::EPSILON);
        assert!((tau(&[3, 2, 1, 0]) + 1.0).abs() < f64::EPSILON);
        assert!((tau(&[1, 0, 2, 3]) - 2.0 / 3.0).abs() < f64::EPSILON);
        assert!((tau(&[7]) - 1.0).abs() < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn every_pair_counts_once(order in Just((0u32..60).collect::<Vec<_>>()).prop_shuffle()) {
            let pairs = || (0..order.len()).flat_map(|i| (i + 1..order.len()).map(move |j| (i, j)));
            let exchanged = pairs().filter(|&(i, j)| order[i] > order[j]).count();
            let expected = 1.0 - 2.0 * f64::from(u32::try_from(exchanged).unwrap()) / f64::from(u32::try_from(pairs().count()).unwrap());
            prop_assert!((kendall_tau(&mut order.clone()) - expected).abs() < 1e-12);
        }
    }
}
