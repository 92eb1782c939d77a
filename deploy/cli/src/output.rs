//! Progress for people on stderr, results on stdout.

use std::io::IsTerminal;

/// Tells what is going on, unless a machine reads.
#[derive(Clone, Copy)]
pub struct Progress {
    quiet: bool,
    colour: bool,
}

impl Progress {
    pub fn new(quiet: bool) -> Self {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { quiet, colour }
    }

    pub fn step(self, name: &str, text: &str) {
        if self.quiet {
            return;
        }
        if self.colour {
            eprintln!("\u{1b}[1m{name:>9}\u{1b}[0m  {text}");
        } else {
            eprintln!("{name:>9}  {text}");
        }
    }
}

/// A number of yoctoNEAR in NEAR, to the last digit that is not zero.
pub fn near(yocto: u128) -> String {
    const ONE: u128 = 1_000_000_000_000_000_000_000_000;
    let fraction = format!("{:024}", yocto % ONE);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { (yocto / ONE).to_string() } else { format!("{}.{fraction}", yocto / ONE) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn amounts_read_like_amounts() {
        assert_eq!(super::near(0), "0");
        assert_eq!(super::near(1), "0.000000000000000000000001");
        assert_eq!(super::near(1_500_000_000_000_000_000_000_000), "1.5");
    }
}
