//! Just enough of Rust's surface to look at code as text: comments and strings blanked, whole
//! words, the names after `crate::`. No parser: what it cannot tell apart, nobody writes here.

/// Names that follow `crate::`, also in braces, with their places; nested braces belong to a name
/// that was given already.
pub fn names_after_crate(code: &str) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    for start in words(code, |word| word == "crate") {
        let Some(rest) = code[start..].strip_prefix("crate::") else { continue };
        let rest_start = code.len() - rest.len();
        if !rest.starts_with('{') {
            names.push((rest_start, word_at(rest)));
            continue;
        }
        let (mut depth, mut expects_name) = (0, false);
        for (offset, c) in rest.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1 && (c == '{' || c == ',') {
                expects_name = true;
            } else if expects_name && is_word(c) {
                names.push((rest_start + offset, word_at(&rest[offset..])));
                expects_name = false;
            }
        }
    }
    names
}

fn word_at(text: &str) -> &str {
    text.split(|c| !is_word(c)).next().unwrap_or(text)
}

/// Places of the whole words that are wanted.
pub fn words(text: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<usize> {
    let mut found = Vec::new();
    for word in text.split(|c| !is_word(c)).filter(|word| is_wanted(word)) {
        found.push(word.as_ptr() as usize - text.as_ptr() as usize);
    }
    found
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Counted from 0.
pub fn line_of(text: &str, index: usize) -> usize {
    text[..index].matches('\n').count()
}

/// The same text with blanks for all that is not code; line breaks stay where they are.
pub fn blank_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = comment_length(rest).or_else(|| literal_length(rest));
        let length = skipped.unwrap_or(first.len_utf8());
        let is_raw_start = |c| c == 'r' && code.chars().next_back().is_some_and(is_word);
        if skipped.is_some() && !is_raw_start(first) {
            code.extend(rest[..length].chars().map(|c| if c == '\n' { c } else { ' ' }));
            rest = &rest[length..];
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    code
}

fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut index) = (0, 0);
    while index < text.len() {
        let rest = &text.as_bytes()[index..];
        match rest {
            [b'/', b'*', ..] => (depth, index) = (depth + 1, index + 2),
            [b'*', b'/', ..] => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            break;
        }
    }
    Some(index)
}

/// Strings, raw strings and characters; a lifetime is none of them.
fn literal_length(text: &str) -> Option<usize> {
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |index| index + end.len());
        return Some(1 + hashes + 1 + length);
    }
    if text.starts_with('"') {
        return Some(quoted_length(text, '"'));
    }
    let mut inside = text.strip_prefix('\'')?.chars();
    match (inside.next()?, inside.next()) {
        ('\\', _) => Some(quoted_length(text, '\'')),
        (c, Some('\'')) => Some(c.len_utf8() + 2),
        _ => None,
    }
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return index + 1;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}
