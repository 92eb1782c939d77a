//! How people write times, counts and amounts.

use anyhow::Context;
use charter_types::asset::Asset;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// `90s`, `2h`, `30d`, `1h 30m`: milliseconds, more than none.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("expected a time like 90s, 2h or 30d, found \"{text}\"");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let duration: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    u64::try_from(duration.as_millis()).ok().filter(|ms| *ms > 0).ok_or_else(wrong)
}

/// `100/day`, `5/10m`: how many, and in how many milliseconds.
pub fn per_time(text: &str) -> Result<(u32, u64), String> {
    let wrong = || format!("expected a count and a time like 100/day or 5/10m, found \"{text}\"");
    let (count, time) = text.split_once('/').ok_or_else(wrong)?;
    let count = count.parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    let time =
        if time.starts_with(|first: char| first.is_ascii_digit()) { time.to_owned() } else { format!("1 {time}") };
    Ok((count, duration_ms(&time).map_err(|_| wrong())?))
}

/// `60`, `50.01`, `66.7 %`: a share of more than nothing, in 1/10,000.
pub fn bps(text: &str) -> Result<u16, String> {
    let wrong = || format!("expected a percentage like 60 or 50.01, found \"{text}\"");
    let number = text.trim().trim_end_matches('%').trim_end();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 2 || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let bps = format!("{whole}{part:0<2}").parse().map_err(|_| wrong())?;
    if (1..=10_000).contains(&bps) { Ok(bps) } else { Err(wrong()) }
}

/// One NEAR in yoctoNEAR.
const ONE: u128 = 1_000_000_000_000_000_000_000_000;

/// `2`, `0.05`: so many NEAR, in yoctoNEAR.
pub fn yocto(text: &str) -> Result<u128, String> {
    let wrong = || format!("expected an amount of NEAR like 2 or 0.05, found \"{text}\"");
    let number = text.trim();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 24 || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let whole: u128 = whole.parse().map_err(|_| wrong())?;
    let part: u128 = format!("{part:0<24}").parse().map_err(|_| wrong())?;
    whole.checked_mul(ONE).and_then(|whole| whole.checked_add(part)).ok_or_else(wrong)
}

/// An amount as it was written, before it is known of what.
#[derive(Clone, Debug)]
pub struct Amount(String);

/// `2`, `0.05`, `1000000`: NEAR, or a token's smallest unit.
pub fn amount(text: &str) -> Result<Amount, String> {
    let text = text.trim();
    let whole = text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u128>().is_ok();
    if whole || yocto(text).is_ok() {
        return Ok(Amount(text.to_owned()));
    }
    Err(format!("expected an amount like 2 or 0.05, found \"{text}\""))
}

/// The same, of more than nothing.
pub fn some_amount(text: &str) -> Result<Amount, String> {
    let Amount(text) = amount(text)?;
    if text.contains(|digit: char| ('1'..='9').contains(&digit)) {
        return Ok(Amount(text));
    }
    Err(format!("expected an amount of more than 0, found \"{text}\""))
}

impl Amount {
    /// In yoctoNEAR, or in the token's smallest unit, of which there are no parts.
    pub fn of(&self, asset: &Asset) -> anyhow::Result<u128> {
        let Self(text) = self;
        match asset {
            Asset::Near => yocto(text).map_err(anyhow::Error::msg),
            Asset::Nep141(token) => text
                .parse()
                .ok()
                .with_context(|| format!("expected a whole number of {token}'s smallest unit, found \"{text}\"")),
        }
    }
}

/// An amount of something: `1.5 NEAR`, `2500000 usdc.near`.
pub fn money(asset: &Asset, amount: u128) -> String {
    match asset {
        Asset::Near => format!("{} NEAR", near(amount)),
        Asset::Nep141(token) => format!("{amount} {token}"),
    }
}

/// Milliseconds since 1970 as `2026-11-23T01:00:00Z`. What has more than four digits for its year will not be lived to see.
pub fn time(ms: u64) -> String {
    let stamp = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    stamp.map_or_else(|| "never".to_owned(), |stamp| format!("{stamp:.0}"))
}

/// A length of time as people say it: `1d 2h`.
pub fn length(ms: u64) -> String {
    let mut seconds = ms / 1_000;
    let mut text = Vec::new();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if seconds >= length {
            text.push(format!("{}{unit}", seconds / length));
            seconds %= length;
        }
    }
    if text.is_empty() { format!("{ms}ms") } else { text.join(" ") }
}

/// What is left of a time, as people say it: `13d 23h`, `1h 59m`, `9m 58s`.
pub fn left(ms: u64) -> String {
    let step_ms = match ms {
        0..3_600_000 => 1_000,
        3_600_000..86_400_000 => 60_000,
        _ => 3_600_000,
    };
    length((ms - ms % step_ms).max(1_000))
}

/// A number of yoctoNEAR in NEAR, to the last digit that is not zero.
pub fn near(yocto: u128) -> String {
    let fraction = format!("{:024}", yocto % ONE);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { (yocto / ONE).to_string() } else { format!("{}.{fraction}", yocto / ONE) }
}

#[cfg(test)]
mod tests {
    use charter_types::asset::Asset;

    use super::{amount, bps, duration_ms, left, length, money, near, per_time, some_amount, time, yocto};

    #[test]
    fn amounts_read_like_amounts() {
        assert_eq!(near(0), "0");
        assert_eq!(near(1), "0.000000000000000000000001");
        assert_eq!(near(1_500_000_000_000_000_000_000_000), "1.5");
    }

    #[test]
    fn amounts_are_read_as_they_are_shown() {
        for amount in ["0", "2", "1.5", "0.01", "0.000000000000000000000001", "340282366920938"] {
            assert_eq!(yocto(amount).map(near).as_deref(), Ok(amount), "{amount}");
        }
        assert_eq!(yocto("2.50"), Ok(2_500_000_000_000_000_000_000_000));
        for wrong in
            ["", ".5", "-1", "+1", "1e3", "1,5", "2 NEAR", "1.2.3", "0.0000000000000000000000001", "340282366920939"]
        {
            assert!(yocto(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_an_amount_is_of_decides_how_it_is_read() {
        let token = Asset::Nep141("usdc.near".parse().unwrap());
        let read = |text: &str, asset: &Asset| amount(text).unwrap().of(asset).map_err(|error| error.to_string());
        assert_eq!(read("0.5", &Asset::Near), Ok(500_000_000_000_000_000_000_000));
        assert_eq!(read("340282366920938463463374607431768211455", &token), Ok(u128::MAX));
        assert!(read("0.5", &token).unwrap_err().contains("usdc.near's smallest unit"));
        assert!(read("340282366920939", &Asset::Near).unwrap_err().contains("an amount of NEAR"));
        for wrong in ["", "much", "-1", "+1", "1e3", "1,5", "340282366920938463463374607431768211456"] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
        for nothing in ["0", "0.0", "00"] {
            assert!(amount(nothing).is_ok() && some_amount(nothing).is_err(), "{nothing}");
        }
        assert_eq!(money(&Asset::Near, 1_500_000_000_000_000_000_000_000), "1.5 NEAR");
        assert_eq!(money(&token, 7), "7 usdc.near");
    }

    #[test]
    fn times_and_counts_read_as_people_write_them() {
        assert_eq!(duration_ms("90s"), Ok(90_000));
        assert_eq!(duration_ms("30d"), Ok(30 * 86_400_000));
        assert_eq!(duration_ms("1h 30m"), Ok(5_400_000));
        assert_eq!(per_time("100/day"), Ok((100, 86_400_000)));
        assert_eq!(per_time("5/10m"), Ok((5, 600_000)));
        for (text, expected) in [("60", 6_000), ("50.01", 5_001), ("66.7 %", 6_670), ("100%", 10_000), ("0.01", 1)] {
            assert_eq!(bps(text), Ok(expected), "{text}");
        }
        for wrong in ["", "0", "100.01", "half", "-5", "1.234", ".5", "5e1"] {
            assert!(bps(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "-1h", "0s", "soon"] {
            assert!(duration_ms(wrong).is_err(), "{wrong}");
        }
        for wrong in ["100", "0/day", "x/day", "1/", "1/-1h", "-1/day"] {
            assert!(per_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(u64::MAX), "never");
        assert_eq!(length(86_400_000), "1d");
        assert_eq!(length(5_461_000), "1h 31m 1s");
        assert_eq!(length(7), "7ms");
    }

    #[test]
    fn what_is_left_is_said_no_finer_than_it_is_read() {
        for (ms, expected) in [
            (0, "1s"),
            (999, "1s"),
            (59_999, "59s"),
            (3_599_999, "59m 59s"),
            (7_199_999, "1h 59m"),
            (86_399_999, "23h 59m"),
            (14 * 86_400_000 - 1, "13d 23h"),
            (14 * 86_400_000, "14d"),
        ] {
            assert_eq!(left(ms), expected, "{ms}");
        }
    }
}
