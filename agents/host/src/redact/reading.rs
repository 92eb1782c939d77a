//! A text as somebody may read it, each byte with where it stands in what was received.

/// Bytes that stand between others without changing what is read: of lines that are broken, of hex dumps and lists, and of
/// UTF-16, where every second byte is 0.
pub fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | b':' | b',' | b'-')
}

/// Without separators.
pub fn squeeze(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| !is_separator(*byte)).collect()
}

/// An escape at the start of a text: what it stands for, if for anything, and how long it is.
type Escape = fn(&[u8]) -> Option<(Option<u8>, usize)>;

/// Ways to spell a character with others. Each is undone by itself: `=de` is a byte in an e-mail, and two letters of a key in
/// `?key=dead`.
pub const ESCAPES: [Escape; 4] = [percent, backslash, entity, quoted_printable];

/// A text with the place of each byte in the original, from and to.
pub struct Reading {
    pub bytes: Vec<u8>,
    places: Vec<(u32, u32)>,
}

/// Bodies have at most 16 MiB.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn index(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

impl Reading {
    pub fn of(text: &[u8]) -> Self {
        Self { bytes: text.to_vec(), places: (0..text.len()).map(|at| (place(at), place(at + 1))).collect() }
    }

    /// Where the bytes from `start` to before `end` stand in the original.
    pub fn span(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let (first, last) = (self.places.get(start)?, self.places.get(end.checked_sub(1)?)?);
        Some((index(first.0), index(last.1)))
    }

    /// With one kind of escapes undone. None if there is none of it.
    pub fn without(&self, escape: Escape) -> Option<Self> {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(first) = self.bytes.get(at) {
            let (stands_for, length) = escape(&self.bytes[at..]).unwrap_or((Some(*first), 1));
            if let (Some(byte), Some((from, to))) = (stands_for, self.span(at, at + length)) {
                bytes.push(byte);
                places.push((place(from), place(to)));
            }
            at += length;
        }
        (bytes != self.bytes).then_some(Self { bytes, places })
    }

    pub fn squeezed(&self) -> Self {
        let kept = self.bytes.iter().zip(&self.places).filter(|(byte, _)| !is_separator(**byte));
        let (bytes, places) = kept.map(|(byte, place)| (*byte, *place)).unzip();
        Self { bytes, places }
    }
}

/// `digits` digits of a number, if that is a character of ASCII.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u8::try_from(u32::from_str_radix(digits, radix).ok()?).ok()
}

/// How many of the first bytes are digits.
fn digits(text: &[u8], radix: u32) -> usize {
    text.iter().take(8).take_while(|byte| char::from(**byte).is_digit(radix)).count()
}

/// `%2F` (RFC 3986), and `%u002F` as browsers once wrote it.
fn percent(text: &[u8]) -> Option<(Option<u8>, usize)> {
    match text {
        [b'%', b'u' | b'U', rest @ ..] => Some((Some(number(rest.get(..4)?, 16)?), 6)),
        [b'%', rest @ ..] => Some((Some(number(rest.get(..2)?, 16)?), 3)),
        _ => None,
    }
}

/// Of JSON, JavaScript, Python and C.
fn backslash(text: &[u8]) -> Option<(Option<u8>, usize)> {
    match text {
        [b'\\', b'u', b'{', rest @ ..] => {
            let length = digits(rest, 16);
            let closed = rest.get(length) == Some(&b'}');
            closed.then(|| Some((Some(number(&rest[..length], 16)?), length + 4)))?
        }
        [b'\\', b'u', rest @ ..] => Some((Some(number(rest.get(..4)?, 16)?), 6)),
        [b'\\', b'U', rest @ ..] => Some((Some(number(rest.get(..8)?, 16)?), 10)),
        [b'\\', b'x', rest @ ..] => Some((Some(number(rest.get(..2)?, 16)?), 4)),
        [b'\\', b'0'..=b'3', ..] => Some((Some(number(text.get(1..4)?, 8)?), 4)),
        [b'\\', b'n' | b'r' | b't' | b'\n' | b'\r', ..] => Some((None, 2)),
        [b'\\', other, ..] => Some((Some(*other), 2)),
        _ => None,
    }
}

/// Named characters of HTML that a key may hold.
const NAMED: [(&[u8], u8); 36] = [
    (b"amp", b'&'),
    (b"apos", b'\''),
    (b"ast", b'*'),
    (b"bsol", b'\\'),
    (b"colon", b':'),
    (b"comma", b','),
    (b"commat", b'@'),
    (b"dollar", b'$'),
    (b"equals", b'='),
    (b"excl", b'!'),
    (b"grave", b'`'),
    (b"gt", b'>'),
    (b"hat", b'^'),
    (b"lbrace", b'{'),
    (b"lbrack", b'['),
    (b"lcub", b'{'),
    (b"lowbar", b'_'),
    (b"lpar", b'('),
    (b"lsqb", b'['),
    (b"lt", b'<'),
    (b"midast", b'*'),
    (b"num", b'#'),
    (b"percnt", b'%'),
    (b"period", b'.'),
    (b"plus", b'+'),
    (b"quest", b'?'),
    (b"quot", b'"'),
    (b"rbrace", b'}'),
    (b"rbrack", b']'),
    (b"rcub", b'}'),
    (b"rpar", b')'),
    (b"rsqb", b']'),
    (b"semi", b';'),
    (b"sol", b'/'),
    (b"verbar", b'|'),
    (b"vert", b'|'),
];

/// Of HTML and XML: `&#47;`, `&#x2F;`, `&sol;`.
fn entity(text: &[u8]) -> Option<(Option<u8>, usize)> {
    let (radix, start) = match text {
        [b'&', b'#', b'x' | b'X', ..] => (16, 3),
        [b'&', b'#', ..] => (10, 2),
        [b'&', rest @ ..] => {
            let length = rest.iter().take(7).position(|byte| *byte == b';')?;
            let (_, stands_for) = NAMED.iter().find(|(name, _)| rest[..length].eq_ignore_ascii_case(name))?;
            return Some((Some(*stands_for), length + 2));
        }
        _ => return None,
    };
    let length = digits(&text[start..], radix);
    let stands_for = number(&text[start..start + length], radix)?;
    let closed = usize::from(text.get(start + length) == Some(&b';'));
    Some((Some(stands_for), start + length + closed))
}

/// Of e-mail (RFC 2045): `=2F`, and lines that are broken with `=`.
fn quoted_printable(text: &[u8]) -> Option<(Option<u8>, usize)> {
    match text {
        [b'=', b'\r', b'\n', ..] => Some((None, 3)),
        [b'=', b'\n', ..] => Some((None, 2)),
        [b'=', rest @ ..] => Some((Some(number(rest.get(..2)?, 16)?), 3)),
        _ => None,
    }
}
