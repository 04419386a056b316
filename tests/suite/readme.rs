//! The README's reference of addresses is the table in the source. After a change of the table,
//! AFFECTD_UPDATE_README=1 makes this test write it anew.

use affectd::osc::address::markdown;

use crate::harness::project;

const BEGIN: &str = "<!-- addresses: generated from src/osc/address.rs, a test compares -->\n";
const END: &str = "<!-- end of addresses -->";

#[test]
fn the_readme_lists_the_addresses_that_the_program_knows() {
    let path = project().join("README.md");
    let text = std::fs::read_to_string(&path).expect("the README is there");
    let begin = text.find(BEGIN).expect("the README has the mark") + BEGIN.len();
    let end = text.find(END).expect("the README has the end mark");
    let table = markdown("/ser");
    if std::env::var_os("AFFECTD_UPDATE_README").is_some() {
        let fresh = format!("{}{table}{}", &text[..begin], &text[end..]);
        std::fs::write(&path, fresh).expect("the README can be written");
        return;
    }
    assert_eq!(&text[begin..end], table, "run once more with AFFECTD_UPDATE_README=1");
}
