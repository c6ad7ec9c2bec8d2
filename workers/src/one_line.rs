//! Text written by strangers, made fit to be one line of a ticket, a mail or a header.

/// Longer texts are cut: nothing a person wrote as a title, a name or an address is longer.
const CHARS_MAX: usize = 600;

/// No control characters, no line breaks, no invisible marks that turn the reading direction around, single spaces.
pub(crate) fn one_line(text: &str) -> String {
    let mut clean = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().filter(|&c| !turns_direction(c)).collect();
        if !word.is_empty() {
            if !clean.is_empty() {
                clean.push(' ');
            }
            clean.push_str(&word);
        }
    }
    match clean.char_indices().nth(CHARS_MAX) {
        Some((cut, _)) => clean[..cut].to_owned(),
        None => clean,
    }
}

/// Unicode's explicit directional marks (UAX #9, 2.7): a name must not rearrange what stands around it.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn what_a_stranger_wrote_is_one_line() {
        let rows = [
            ("  Ham\r\nlet\t\u{202e}x\u{0} ", "Ham let x"),
            ("Hamlet\u{2028}Bcc: all@example.com", "Hamlet Bcc: all@example.com"),
            ("\u{85}\u{b}\u{c}", ""),
            ("Zoë  Жукова", "Zoë Жукова"),
        ];
        for (text, expected) in rows {
            assert_eq!(one_line(text), expected);
        }
        assert_eq!(one_line(&"x".repeat(10_000)).len(), 600);
    }
}
