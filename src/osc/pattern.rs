//! OSC 1.0 address patterns: `?`, `*`, `[a-z]`, `[!a-z]`, `{one,two}`, none of which crosses a `/`.
//!
//! rosc's `Matcher` is not used: in 0.11 a trailing `*` needs at least one character, a class
//! swallows a whole run of characters and a choice takes its first fitting word without trying the
//! others.

/// Longest pattern that is looked at; every address of ours is shorter.
const PATTERN_BYTES_MAX: usize = 256;

/// One piece of a pattern.
enum Piece {
    Letter(u8),
    AnyLetter,
    AnyLetters,
    Class { letters: Vec<(u8, u8)>, negated: bool },
    Choice(Vec<Vec<u8>>),
}

pub struct Pattern(Vec<Piece>);

/// True for what must be matched, not compared.
pub fn is_pattern(address: &str) -> bool {
    address.contains(['?', '*', '[', ']', '{', '}'])
}

impl Pattern {
    /// `None` for a bracket that is not closed or an empty class, and for what is too long.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > PATTERN_BYTES_MAX {
            return None;
        }
        let mut pieces = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&letter, after)) = rest.split_first() {
            rest = after;
            pieces.push(match letter {
                b'?' => Piece::AnyLetter,
                b'*' => Piece::AnyLetters,
                b'[' => class(until(&mut rest, b']')?)?,
                b'{' => {
                    let words = until(&mut rest, b'}')?.split(|&letter| letter == b',');
                    Piece::Choice(words.map(<[u8]>::to_vec).collect())
                }
                b']' | b'}' => return None,
                letter => Piece::Letter(letter),
            });
        }
        Some(Self(pieces))
    }

    /// Follows all ways through the pattern at once, so that the cost is bounded by
    /// pattern × address and nothing can make it try for ever.
    pub fn matches(&self, address: &str) -> bool {
        let address = address.as_bytes();
        let mut reached = vec![false; address.len() + 1];
        reached[0] = true;
        for piece in &self.0 {
            let mut next = vec![false; address.len() + 1];
            for start in (0..=address.len()).filter(|&start| reached[start]) {
                advance(piece, &address[start..], &mut next[start..]);
            }
            reached = next;
        }
        reached[address.len()]
    }
}

/// Marks in `next` how many letters of `rest` the piece may take.
fn advance(piece: &Piece, rest: &[u8], next: &mut [bool]) {
    let part = rest.iter().position(|&letter| letter == b'/').unwrap_or(rest.len());
    match piece {
        Piece::Letter(letter) => {
            if rest.first() == Some(letter) {
                next[1] = true;
            }
        }
        Piece::AnyLetter => {
            if part > 0 {
                next[1] = true;
            }
        }
        Piece::AnyLetters => next[..=part].fill(true),
        Piece::Class { letters, negated } => {
            let within = |letter: u8| letters.iter().any(|&(a, b)| a <= letter && letter <= b);
            if part > 0 && within(rest[0]) != *negated {
                next[1] = true;
            }
        }
        Piece::Choice(words) => {
            for word in words.iter().filter(|word| rest.starts_with(word)) {
                next[word.len()] = true;
            }
        }
    }
}

/// What stands before `end`; `rest` goes on behind it.
fn until<'a>(rest: &mut &'a [u8], end: u8) -> Option<&'a [u8]> {
    let length = rest.iter().position(|&letter| letter == end)?;
    let inner = &rest[..length];
    *rest = &rest[length + 1..];
    Some(inner)
}

fn class(inner: &[u8]) -> Option<Piece> {
    let (negated, mut rest) = match inner.split_first()? {
        (b'!', rest) => (true, rest),
        _ => (false, inner),
    };
    let mut letters = Vec::new();
    while let Some((&first, after)) = rest.split_first() {
        let (last, after) = match after {
            [b'-', last, after @ ..] => (*last, after),
            _ => (first, after),
        };
        letters.push((first, last));
        rest = after;
    }
    (!letters.is_empty()).then_some(Piece::Class { letters, negated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, address: &str, expected: bool) {
        let found = Pattern::parse(pattern).is_some_and(|pattern| pattern.matches(address));
        assert_eq!(found, expected, "{pattern} on {address}");
    }

    #[test]
    fn a_star_takes_any_letters_and_none_but_no_slash() {
        check("/ser/ch/*/conf", "/ser/ch/12/conf", true);
        check("/ser/ch/1/level*", "/ser/ch/1/level", true);
        check("/ser/*", "/ser/ch/1/conf", false);
        check("/ser/*_s", "/ser/model_s", true);
    }

    #[test]
    fn a_question_mark_takes_exactly_one_letter() {
        check("/ser/ch/?/conf", "/ser/ch/1/conf", true);
        check("/ser/ch/?/conf", "/ser/ch/12/conf", false);
        check("/ser?ch", "/ser/ch", false);
    }

    #[test]
    fn a_class_takes_one_letter_of_it() {
        check("/ch/[1-3]/t", "/ch/2/t", true);
        check("/ch/[!1-3]/t", "/ch/2/t", false);
        check("/ch/[12]/t", "/ch/12/t", false);
        check("/ch/[a-]/t", "/ch/-/t", true);
    }

    #[test]
    fn a_choice_tries_every_word() {
        check("/{a,ab}c", "/abc", true);
        check("/dim/{arousal,valence}", "/dim/valence", true);
        check("/dim/{arousal,valence}", "/dim/dominance", false);
    }

    #[test]
    fn broken_patterns_match_nothing() {
        for broken in ["/a[", "/a[]", "/a[!]", "/a{b", "/a]", "/a}"] {
            assert!(Pattern::parse(broken).is_none(), "{broken}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn no_pattern_panics(
            pattern in "[/a-c?*!{},\\[\\]-]{0,60}",
            address in "(/[a-c]{0,9}){0,5}",
        ) {
            if let Some(pattern) = Pattern::parse(&pattern) {
                pattern.matches(&address);
            }
        }
    }
}
