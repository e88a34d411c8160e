use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a stand-in is made of, when all plain ones of its length are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Alphabet {
    /// What can name a directory entry.
    Entries,
    /// All but NUL: names of extended attributes.
    Names,
    /// Any bytes.
    Bytes,
    /// Letters and digits only: the stand-in becomes longer.
    Text,
}

/// Names and their stand-ins, one for each, and never one for two.
///
/// A stand-in is as long as its original, and made of small letters and digits while there are such ones that are
/// free. There are as many possible names of a length as possible stand-ins, so that one is always found.
pub(super) struct StandIns {
    key: [u8; 32],
    alphabet: Alphabet,
    known: HashMap<Box<[u8]>, Arc<[u8]>>,
    taken: HashSet<Arc<[u8]>>,
}

const PLAIN: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// After so many plain ones that were taken, others are tried.
const PLAIN_ATTEMPTS: u32 = 64;

impl StandIns {
    pub fn new(key: [u8; 32], alphabet: Alphabet) -> Self {
        StandIns { key, alphabet, known: HashMap::new(), taken: HashSet::new() }
    }

    /// From now on this is nobody's stand-in.
    pub fn reserve(&mut self, name: &[u8]) {
        self.taken.insert(name.into());
    }

    /// The stand-in of `original`; nothing stands for nothing.
    pub fn of(&mut self, original: &[u8]) -> Arc<[u8]> {
        if original.is_empty() {
            return Arc::default();
        }
        if let Some(known) = self.known.get(original) {
            return known.clone();
        }
        let mut attempt = 0;
        let found = loop {
            let candidate = self.candidate(original, attempt);
            if self.may_be(&candidate) && !self.taken.contains(&candidate[..]) {
                break Arc::from(candidate);
            }
            attempt += 1;
        };
        self.taken.insert(Arc::clone(&found));
        self.known.insert(original.into(), Arc::clone(&found));
        found
    }

    fn candidate(&self, original: &[u8], attempt: u32) -> Vec<u8> {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&attempt.to_le_bytes()).update(original);
        let longer = if self.alphabet == Alphabet::Text { attempt / PLAIN_ATTEMPTS } else { 0 };
        let mut bytes = vec![0; original.len() + longer as usize];
        hasher.finalize_xof().fill(&mut bytes);
        if self.alphabet == Alphabet::Text || attempt < PLAIN_ATTEMPTS {
            bytes.iter_mut().for_each(|byte| *byte = PLAIN[usize::from(*byte) % PLAIN.len()]);
        }
        bytes
    }

    fn may_be(&self, candidate: &[u8]) -> bool {
        match self.alphabet {
            Alphabet::Entries => {
                !candidate.iter().any(|byte| matches!(byte, 0 | b'/')) && !matches!(candidate, b"." | b"..")
            }
            Alphabet::Names => !candidate.contains(&0),
            Alphabet::Bytes | Alphabet::Text => true,
        }
    }
}

/// Content of the same length: equal for equal content, zeros for zeros. No two stretches of it are alike, so that
/// what is read from a wrong place differs; and it compresses well, so that an export stays small.
pub(super) fn content(key: &[u8; 32], original: &[u8]) -> Vec<u8> {
    const COUNTED: usize = 8;
    let mut bytes = vec![0; original.len()];
    if original.iter().all(|byte| *byte == 0) {
        return bytes;
    }
    let mut pattern = [0; 64];
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(original).finalize_xof().fill(&mut pattern);
    for (number, stretch) in (0u64..).zip(bytes.chunks_mut(pattern.len())) {
        pattern[64 - COUNTED..].copy_from_slice(&number.to_le_bytes());
        stretch.copy_from_slice(&pattern[..stretch.len()]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stand_ins(alphabet: Alphabet) -> StandIns {
        StandIns::new([7; 32], alphabet)
    }

    /// Every name there is of one byte, and of two: all stand-ins of their length are needed.
    #[test]
    fn two_names_never_have_one_stand_in_even_if_all_are_taken() {
        let mut names = stand_ins(Alphabet::Entries);
        let entries = |bytes: &Vec<u8>| firn_journal::Name::is_valid_entry(bytes);
        let short = (0..=255).map(|a| vec![a]);
        let pairs = (0..=255u8).flat_map(|a| (0..=255).map(move |b| vec![a, b]));
        let all: Vec<Vec<u8>> = short.chain(pairs).filter(entries).collect();
        let stand_ins: HashSet<Arc<[u8]>> = all.iter().map(|name| names.of(name)).collect();
        assert_eq!(stand_ins.len(), all.len());
        assert!(all.iter().all(|name| names.of(name).len() == name.len()));
        assert!(stand_ins.iter().all(|name| entries(&name.to_vec())));
    }

    #[test]
    fn texts_stay_texts_and_grow_when_all_are_taken() {
        let mut texts = stand_ins(Alphabet::Text);
        let all: HashSet<_> = ('!'..='~').map(|c| texts.of(c.to_string().as_bytes())).collect();
        assert_eq!(all.len(), 94);
        assert!(all.iter().flat_map(|text| text.iter()).all(u8::is_ascii_alphanumeric));
    }

    #[test]
    fn a_reserved_name_is_nobodys() {
        let mut names = stand_ins(Alphabet::Names);
        let taken = names.candidate(b"original", 0);
        names.reserve(&taken);
        assert_ne!(names.of(b"original")[..], taken[..]);
    }

    proptest! {
        #[test]
        fn a_stand_in_is_stable_and_no_two_names_share_one(
            names in proptest::collection::hash_set(proptest::collection::vec(any::<u8>(), 1..4), 1..200),
        ) {
            let mut table = stand_ins(Alphabet::Bytes);
            let first: Vec<_> = names.iter().map(|name| table.of(name)).collect();
            let again: Vec<_> = names.iter().map(|name| table.of(name)).collect();
            prop_assert_eq!(&first, &again);
            prop_assert_eq!(first.iter().collect::<HashSet<_>>().len(), names.len());
        }

        #[test]
        fn content_keeps_its_length_and_its_equality(a: Vec<u8>, b: Vec<u8>) {
            let stand_in = |bytes: &[u8]| content(&[1; 32], bytes);
            prop_assert_eq!(stand_in(&a).len(), a.len());
            prop_assert_eq!(stand_in(&a), stand_in(&a));
            if a.len() > 16 && a != b {
                prop_assert_ne!(stand_in(&a), stand_in(&b));
            }
        }
    }

    #[test]
    fn content_differs_from_place_to_place_and_zeros_stay() {
        let stand_in = content(&[1; 32], &[5; 100_000]);
        let stretches: HashSet<&[u8]> = stand_in.chunks(64).collect();
        assert_eq!(stretches.len(), 100_000usize.div_ceil(64));
        assert!(zstd::bulk::compress(&stand_in, 3).unwrap().len() < 20_000);
        assert_eq!(content(&[1; 32], &[0; 99]), [0; 99]);
    }
}
