//! Numbers of bytes, as people write and read them.

/// A number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size(pub u64);

const UNITS: [(&str, u32); 5] = [("", 0), ("K", 10), ("M", 20), ("G", 30), ("T", 40)];

/// Reads `4096`, `64K`, `1M`, `10GiB`: units are powers of 1024.
pub fn parse(text: &str) -> Result<Size, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_uppercase();
    let unit = unit.strip_suffix("IB").or_else(|| unit.strip_suffix('B')).unwrap_or(&unit);
    let shift = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, shift)| *shift);
    shift
        .zip(number.parse::<u64>().ok())
        .and_then(|(shift, number)| number.checked_mul(1 << shift))
        .map(Size)
        .ok_or_else(|| format!("{text:?} is not a size; write for example 4096, 64K, 1M or 10G"))
}

/// Three digits and a unit: `0 B`, `999 B`, `1.50 KiB`, `23.4 GiB`.
pub fn show(bytes: u64) -> String {
    let names = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < names.len() {
        value /= 1024.0;
        unit += 1;
    }
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {}", names[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in
            [("0", 0), ("64K", 65_536), ("1m", 1 << 20), ("1 MiB", 1 << 20), ("10GB", 10 << 30)]
        {
            assert_eq!(parse(text), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "K", "1.5M", "-1", "1Q", "99999999T", "18446744073709551616"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_in_three_digits() {
        let shown = [0, 1023, 1024, 1536, 102_400, 1_048_576, 1 << 34].map(show);
        assert_eq!(shown, ["0 B", "1023 B", "1.00 KiB", "1.50 KiB", "100 KiB", "1.00 MiB", "16.0 GiB"]);
        assert_eq!(show(u64::MAX), "16.0 EiB");
    }
}
