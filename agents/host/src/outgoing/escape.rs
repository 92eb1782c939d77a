//! Escapes in text, as JSON, JSON5, YAML and scripts have them.

/// A number of at most so many digits, none of which need be there, and what follows.
fn number(text: &[u8], radix: u32, most: usize) -> (u32, &[u8]) {
    let length = text.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let (digits, rest) = text.split_at(length);
    let digits = digits.iter().filter_map(|digit| char::from(*digit).to_digit(radix));
    (digits.fold(0, |code: u32, digit| code.wrapping_mul(radix).wrapping_add(digit)), rest)
}

/// Some write any number of digits in braces.
fn hex(text: &[u8], most: usize) -> (u32, &[u8]) {
    text.strip_prefix(b"{").map_or_else(|| number(text, 16, most), |inside| number(inside, 16, usize::MAX))
}

/// Puts in place of escapes what they stand for, if that is ASCII. Line ends and tabs are blanks.
pub fn undone(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some((&kind, after)) = rest.split_first() else { break };
        let (code, after) = match kind {
            b'u' => hex(after, 4),
            b'U' => hex(after, 8),
            b'x' | b'X' => hex(after, 2),
            b'0'..=b'7' => number(rest, 8, 3),
            b'b' | b'f' | b'n' | b'r' | b't' | b'v' => (u32::from(b' '), after),
            // Readers that know no such escape leave the backslash out.
            _ => (u32::from(kind), after),
        };
        out.extend(u8::try_from(code).ok());
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::undone;

    #[test]
    fn every_spelling_of_a_letter_is_the_letter() {
        for spelled in [
            r"m",
            r"\m",
            r"\u006d",
            r"\u006D",
            r"\u{6d}",
            r"\u{00000000006d}",
            r"\U0000006d",
            r"\x6d",
            r"\X6D",
            r"\x{6d}",
            r"\155",
        ] {
            let text = format!("a{spelled}e");
            let letters: Vec<u8> = undone(text.as_bytes()).into_iter().filter(u8::is_ascii_alphanumeric).collect();
            assert_eq!(letters, b"ame", "{spelled}");
        }
        for (text, plain) in [
            (r"\\u006d", r"\u006d"),
            (r#"\"\/"#, r#""/"#),
            (r"a\nb\tc", "a b c"),
            (r"\u4e2d\ud800x", "x"),
            ("\\", ""),
            (r"\u", "\0"),
        ] {
            assert_eq!(undone(text.as_bytes()), plain.as_bytes(), "{text}");
        }
    }
}
