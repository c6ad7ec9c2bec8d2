//! When there is nothing to wait for: told at once, instead of at the end of the line.

use serde::{Deserialize, Serialize};

/// Nothing that a fan wants is left, or can come back: a refund alone would bring it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Release {
    /// What is sold out.
    pub why: ReleaseReason,
    /// Categories of which something is free, or held and may come back.
    pub left: Vec<u16>,
}

/// What is sold out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseReason {
    /// Everything.
    SoldOut,
    /// Every category that the fan named.
    SoldOutInYourCategories,
}

/// What a fan is told who wants these categories, or any where they name none; `left` says of each category whether anything of it is free
/// or held. A category that is not counted may have seats: of it nothing is said.
pub fn release(left: &[(u16, bool)], wanted: &[u16]) -> Option<Release> {
    let some_left: Vec<u16> = left.iter().filter(|(_, some)| *some).map(|(category, _)| *category).collect();
    if left.is_empty() {
        None
    } else if some_left.is_empty() {
        Some(Release { why: ReleaseReason::SoldOut, left: some_left })
    } else {
        let gone = |category: &u16| left.contains(&(*category, false));
        let all_gone = !wanted.is_empty() && wanted.iter().all(gone);
        all_gone.then_some(Release { why: ReleaseReason::SoldOutInYourCategories, left: some_left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_find_nothing_is_told_so_with_what_is_left_elsewhere() {
        use ReleaseReason::{SoldOut, SoldOutInYourCategories as InYours};
        let some = [(0, true), (1, false), (2, false), (3, true)];
        let none = [(0, false), (1, false)];
        for (what, left, wanted, expected) in [
            ("any", &some[..], &[][..], None),
            ("one that is gone", &some, &[1], Some((InYours, vec![0, 3]))),
            ("two that are", &some, &[2, 1], Some((InYours, vec![0, 3]))),
            ("one of two is left", &some, &[1, 3], None),
            ("one that is left", &some, &[0], None),
            ("one that no one counts", &some, &[9], None),
            ("and one that is gone", &some, &[9, 1], None),
            ("everything is gone", &none, &[], Some((SoldOut, vec![]))),
            ("whatever is wanted", &none, &[9, 1], Some((SoldOut, vec![]))),
            ("nothing is counted", &[], &[1], None),
        ] {
            let told = release(left, wanted).map(|release| (release.why, release.left));
            assert_eq!(told, expected, "{what}");
        }
    }
}
