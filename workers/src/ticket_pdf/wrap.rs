//! Making any text fit its place: first it wraps, then it shrinks, and only then it is cut with an ellipsis.

use std::mem;

use super::typeface::{Line, Typefaces, Weight};
use crate::one_line::one_line;

/// A place for text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Points.
    pub(super) width: f32,
    pub(super) lines_max: usize,
    /// Preferred size in points, and the smallest that can be read.
    pub(super) size: f32,
    pub(super) size_min: f32,
    pub(super) weight: Weight,
}

/// Text that fits.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) lines: Vec<String>,
    pub(super) size: f32,
}

impl Room {
    /// The largest size between the two at which the text fits; at the smallest it is cut.
    pub(super) fn fit(&self, text: &str, typefaces: &Typefaces) -> Fitted {
        let text = one_line(text);
        let shape = |text| typefaces.shape(text, self.weight, 0.0);
        let space_em = shape(" ").width_em;
        let words: Vec<_> = text.split_terminator(' ').map(|text| Word { text, line: shape(text) }).collect();
        let mut size = self.size;
        loop {
            // A hair less than the width, for the kerning across spaces that adding up words doesn't see.
            let mut lines = wrap(&words, space_em, self.width * 0.995 / size);
            if lines.len() <= self.lines_max {
                return Fitted { lines, size };
            }
            if size <= self.size_min {
                lines.truncate(self.lines_max);
                if let Some(last) = lines.last_mut() {
                    self.end_with_ellipsis(last, size, typefaces);
                }
                return Fitted { lines, size };
            }
            size = (size * 0.92).max(self.size_min);
        }
    }

    fn end_with_ellipsis(&self, line: &mut String, size: f32, typefaces: &Typefaces) {
        loop {
            let candidate = format!("{}…", line.trim_end());
            if line.is_empty() || typefaces.width(&candidate, self.weight, size) <= self.width {
                *line = candidate;
                return;
            }
            line.pop();
        }
    }
}

/// A word, measured once for all the sizes that are tried.
struct Word<'a> {
    text: &'a str,
    line: Line,
}

impl Word<'_> {
    /// Fills whole lines with the beginning of a word that is wider than a line; what is left begins the next one.
    fn break_into(&self, lines: &mut Vec<String>, line_em: f32) -> (String, f32) {
        let (mut begin, mut begin_em) = (0, 0.0);
        let ends = self.line.stops.iter().copied().skip(1).chain([(self.text.len(), self.line.width_em)]);
        let mut fits = (0, 0.0);
        for (end, end_em) in ends {
            if end_em - begin_em > line_em && fits.0 > begin {
                lines.push(self.text[begin..fits.0].to_owned());
                (begin, begin_em) = fits;
            }
            fits = (end, end_em);
        }
        (self.text[begin..].to_owned(), self.line.width_em - begin_em)
    }
}

/// Greedy, by words.
fn wrap(words: &[Word<'_>], space_em: f32, line_em: f32) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut used_em) = (String::new(), 0.0);
    for word in words {
        let width_em = word.line.width_em;
        if !line.is_empty() && used_em + space_em + width_em <= line_em {
            line.push(' ');
            line.push_str(word.text);
            used_em += space_em + width_em;
            continue;
        }
        if !line.is_empty() {
            lines.push(mem::take(&mut line));
        }
        (line, used_em) =
            if width_em <= line_em { (word.text.to_owned(), width_em) } else { word.break_into(&mut lines, line_em) };
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Room {
        Room { width: 200.0, lines_max: 2, size: 30.0, size_min: 12.0, weight: Weight::Bold }
    }

    #[test]
    fn any_text_fits_its_room() {
        let typefaces = Typefaces::load().unwrap();
        let texts = [
            String::new(),
            "Hamlet".to_owned(),
            "A Midsummer Night's Dream".to_owned(),
            "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".to_owned(),
            "W".repeat(5_000),
            "word ".repeat(1_000),
            "日本武道館 ".repeat(40),
            "é\u{301}\u{200d}👩‍👩‍👧".repeat(30),
        ];
        for text in texts {
            let fitted = room().fit(&text, &typefaces);
            assert!(fitted.lines.len() <= 2, "{text}");
            assert!((12.0..=30.0).contains(&fitted.size));
            for line in &fitted.lines {
                assert!(typefaces.width(line, Weight::Bold, fitted.size) <= 200.0, "{line}");
            }
        }
    }

    #[test]
    fn a_short_text_keeps_its_size_and_a_cut_one_says_so() {
        let typefaces = Typefaces::load().unwrap();
        let short = room().fit("Hamlet", &typefaces);
        assert_eq!((short.lines, short.size), (vec!["Hamlet".to_owned()], 30.0));
        let cut = room().fit(&"word ".repeat(100), &typefaces);
        assert!(cut.lines.last().unwrap().ends_with('…'));
    }
}
