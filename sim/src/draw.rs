//! Randomness from one seed, split by label.
//!
//! A [`Draw`] is found by hashing the seed with a label and some numbers, not by taking the next one of a common
//! stream: so that leaving a step out of a plan does not change what is drawn for the steps after it.

/// The number that everything random in a run comes from.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The sequence that belongs to this seed, label and position.
    pub fn draw(self, label: &str, position: &[u64]) -> Draw {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0.to_le_bytes());
        hasher.update(label.as_bytes());
        for number in position {
            hasher.update(&number.to_le_bytes());
        }
        let mut word = [0; 8];
        word.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Draw(u64::from_le_bytes(word))
    }
}

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A reproducible sequence of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// Any number.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `first` to `last`.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True so many times in 1000.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of these, each as often as its weight says.
    ///
    /// # Panics
    /// If there is nothing to choose from.
    pub fn weighted<'a, T>(&mut self, choices: &'a [(u64, T)]) -> &'a T {
        let total = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        for (weight, choice) in choices {
            if left < *weight {
                return choice;
            }
            left -= weight;
        }
        panic!("a choice among nothing");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_positions_have_their_own_numbers() {
        let first = |seed, label, position: &[u64]| Seed(seed).draw(label, position).word();
        assert_eq!(first(1, "a", &[2]), first(1, "a", &[2]));
        assert_ne!(first(1, "a", &[2]), first(1, "a", &[3]));
        assert_ne!(first(1, "a", &[2]), first(1, "b", &[2]));
        assert_ne!(first(1, "a", &[2]), first(2, "a", &[2]));
    }

    #[test]
    fn all_choices_come_and_none_without_weight() {
        let mut draw = Seed(7).draw("weights", &[]);
        let choices = [(1, 'a'), (0, 'b'), (3, 'c')];
        let drawn: Vec<char> = (0..1000).map(|_| *draw.weighted(&choices)).collect();
        let count = |letter| drawn.iter().filter(|drawn| **drawn == letter).count();
        assert_eq!(count('b'), 0);
        assert!((150..350).contains(&count('a')), "{}", count('a'));
        assert!((0..1000).all(|_| (5..=7).contains(&draw.between(5, 7))));
    }
}
