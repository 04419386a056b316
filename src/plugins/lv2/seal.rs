//! The bytes of a saved LV2 state: Turtle, with its checksum before it as a comment. lilv 0.24
//! reads past the end of an empty state and crashes at one that lacks what its own always have
//! (measured on 2026-11-26), so only what it wrote itself may reach it. On the plug-in thread.

/// Starts the line before the Turtle; sixteen hexadecimal digits and a line end follow.
const HEADER: &str = "# affectd LV2 state, checksum ";

/// FNV-1a, 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>.
const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01B3;

pub fn seal(turtle: &str) -> Vec<u8> {
    format!("{HEADER}{:016x}\n{turtle}", checksum(turtle)).into_bytes()
}

/// The Turtle of an unchanged state.
pub fn unseal(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let sealed = text.strip_prefix(HEADER).and_then(|rest| rest.split_once('\n'));
    let (sum, turtle) = sealed.ok_or("it was not saved by affectd")?;
    if sum == format!("{:016x}", checksum(turtle)) {
        Ok(turtle)
    } else {
        Err("it was changed since it was saved".to_owned())
    }
}

fn checksum(turtle: &str) -> u64 {
    turtle.bytes().fold(FNV_OFFSET, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_comes_back() {
        for turtle in ["", "<urn:a> <urn:b> \"\u{e9}\n\" ."] {
            assert_eq!(unseal(&seal(turtle)), Ok(turtle));
        }
    }

    #[test]
    fn what_was_cut_or_changed_does_not() {
        let sealed = seal("<urn:a> <urn:b> <urn:c> .");
        for length in 0..sealed.len() {
            assert!(unseal(&sealed[..length]).is_err());
            let mut changed = sealed.clone();
            changed[length] ^= 1;
            assert!(unseal(&changed).is_err());
        }
    }

    /// From the test vectors of its authors.
    #[test]
    fn the_checksum_is_that_of_its_authors() {
        assert_eq!(checksum("foobar"), 0x8594_4171_F739_67E8);
    }
}
