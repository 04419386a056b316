//! How one chain changes from what plays to what is wanted with as few moves as there can be: which
//! slots stay, which move, which go, and which of these give their place to a new plug-in. On the
//! plug-in thread.

use crate::plugins::chain::{Place, SlotId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    /// Within this chain or to another.
    Moves,
    Goes,
}

/// The slots of one place in the order in which they play; worked through from the end.
pub struct Line {
    pub place: Place,
    slots: Vec<(SlotId, Fate)>,
    /// What lies before this one has not been worked through.
    limit: usize,
    /// What was put into its place last: the neighbour of what comes next.
    pub follower: Option<SlotId>,
}

impl Line {
    /// `playing` is what plays here, `wanted` those of all chains that shall play here, both in
    /// their order; `is_kept` are those that play on, here or elsewhere.
    pub fn new(
        place: Place,
        playing: &[SlotId],
        wanted: &[SlotId],
        is_kept: impl Fn(SlotId) -> bool,
    ) -> Self {
        let position = |slot: &SlotId| playing.iter().position(|other| other == slot);
        let positions: Vec<usize> = wanted.iter().filter_map(position).collect();
        let staying = rising(&positions);
        let fate = |(index, &slot): (usize, &SlotId)| match staying.contains(&index) {
            true => (slot, Fate::Stays),
            false if is_kept(slot) => (slot, Fate::Moves),
            false => (slot, Fate::Goes),
        };
        let slots = playing.iter().enumerate().map(fate).collect();
        Self { place, slots, limit: playing.len(), follower: None }
    }

    /// Whether this one is where it has to be; it is worked through with that.
    pub fn keeps(&mut self, slot: SlotId) -> bool {
        let index = self.slots.iter().position(|one| *one == (slot, Fate::Stays));
        if let Some(index) = index {
            self.limit = index;
        }
        index.is_some()
    }

    /// One that goes, in whose place a new plug-in can play.
    pub fn take_heir(&mut self) -> Option<SlotId> {
        let open = self.slots[..self.limit].iter();
        let is_open = |(_, (_, fate)): &(usize, &(SlotId, Fate))| *fate != Fate::Stays;
        let mut open = open.enumerate().rev().take_while(is_open);
        let (index, &(slot, _)) = open.find(|(_, (_, fate))| *fate == Fate::Goes)?;
        self.slots[index].1 = Fate::Stays;
        self.limit = index;
        Some(slot)
    }

    pub fn going(&self) -> impl Iterator<Item = SlotId> {
        self.slots.iter().filter(|(_, fate)| *fate == Fate::Goes).map(|(slot, _)| *slot)
    }
}

/// A longest rising series among these.
fn rising(numbers: &[usize]) -> Vec<usize> {
    // For each number the longest series that ends with it.
    let mut series: Vec<Vec<usize>> = Vec::new();
    for &number in numbers {
        let before = series.iter().filter(|one| one.last().is_some_and(|last| *last < number));
        let mut longest = before.max_by_key(|one| one.len()).cloned().unwrap_or_default();
        longest.push(number);
        series.push(longest);
    }
    series.into_iter().max_by_key(Vec::len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { channel: None, is_heard: false };

    /// What is done from the end: `=` stays, `<` moves, `+` is new, `a+` is new in the place of a;
    /// then what goes. Slots are letters; capitals are new.
    fn check(playing: &str, wanted: &str, expected: &str) {
        let slots = |text: &str| text.bytes().map(u32::from).collect::<Vec<_>>();
        let mut line =
            Line::new(PLACE, &slots(playing), &slots(wanted), |slot| slots(wanted).contains(&slot));
        let mut done = String::new();
        for name in wanted.chars().rev() {
            if name.is_uppercase() {
                done.extend(line.take_heir().and_then(char::from_u32));
                done.push('+');
            } else {
                done.push(if line.keeps(u32::from(name)) { '=' } else { '<' });
            }
        }
        done.push(' ');
        done.extend(line.going().filter_map(char::from_u32));
        assert_eq!(done, expected, "{playing} to {wanted}");
    }

    #[test]
    fn what_stays_is_left_alone() {
        check("abc", "abc", "=== ");
        check("abc", "ac", "== b");
        check("abc", "abXc", "=+== ");
    }

    #[test]
    fn the_fewest_move() {
        check("abcd", "dabc", "===< ");
        check("abcd", "bcda", "<=== ");
        check("ab", "ba", "=< ");
    }

    #[test]
    fn what_is_new_plays_in_the_place_of_what_goes_between_the_same_neighbours() {
        check("abc", "aXc", "=b+= ");
        check("abcd", "aXYd", "=c+b+= ");
        check("abcd", "aXd", "=c+= b");
        check("abc", "aXYc", "=b++= ");
        check("abc", "Xbc", "==a+ ");
        check("abc", "abX", "c+== ");
        check("abc", "acX", "+== b");
    }
}
