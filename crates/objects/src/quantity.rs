//! `resource.Quantity`: exact amounts with Kubernetes' suffixes and canonical form.
//! Source: k8s.io/apimachinery/pkg/api/resource/{quantity,suffix}.go, v0.35.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    DecimalSi,
    BinarySi,
    DecimalExponent,
}

/// An amount in nano units; the format remembers how it was written and decides how it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    pub nano: i128,
    pub format: Format,
}

/// The server's own words for a quantity it cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    #[error("unable to parse quantity's suffix")]
    Suffix,
    #[error("unable to parse numeric part of quantity")]
    Numeric,
}

const NANO: i128 = 1_000_000_000;
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

impl Quantity {
    pub fn parse(text: &str) -> Result<Quantity, QuantityError> {
        let digits_end = text
            .char_indices()
            .find(|(i, c)| !(c.is_ascii_digit() || *c == '.' || (*i == 0 && (*c == '+' || *c == '-'))))
            .map_or(text.len(), |(i, _)| i);
        let (number, suffix) = text.split_at_checked(digits_end).ok_or(QuantityError::Format)?;
        let negative = number.starts_with('-');
        let number = number.trim_start_matches(['+', '-']);
        if number.is_empty() || number == "." {
            return Err(QuantityError::Format);
        }
        if !suffix.chars().all(|c| c.is_ascii_digit() || "eEinumkKMGTP+-".contains(c)) {
            return Err(QuantityError::Format);
        }
        let (multiply, format) = suffix_factor(suffix)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') {
            return Err(QuantityError::Numeric);
        }
        let digits: String = whole.chars().chain(fraction.chars()).collect();
        let mantissa: i128 = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| QuantityError::Numeric)? };
        let scale = fraction.len() as u32;
        let nano = scaled(mantissa, multiply, scale).ok_or(QuantityError::Numeric)?;
        Ok(Quantity { nano: if negative { -nano } else { nano }, format })
    }

    pub fn from_milli(milli: i64) -> Quantity {
        Quantity { nano: i128::from(milli) * 1_000_000, format: Format::DecimalSi }
    }

    pub fn from_value(value: i64, format: Format) -> Quantity {
        Quantity { nano: i128::from(value) * NANO, format }
    }

    /// In thousandths, rounded away from zero like `MilliValue`.
    pub fn milli(&self) -> i64 {
        clamp(ceil_div(self.nano, 1_000_000))
    }

    /// In whole units, rounded away from zero like `Value`.
    pub fn value(&self) -> i64 {
        clamp(ceil_div(self.nano, NANO))
    }
}

impl fmt::Display for Quantity {
    /// Canonical form: no fraction, the largest suffix that keeps the number whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nano == 0 {
            return f.write_str("0");
        }
        let small = self.nano.abs() < 1024 * NANO;
        if self.format == Format::BinarySi && !small {
            let mut value = ceil_div(self.nano, NANO);
            let mut suffix = "";
            for (name, _) in BINARY {
                if value % 1024 != 0 {
                    break;
                }
                value /= 1024;
                suffix = name;
            }
            return write!(f, "{value}{suffix}");
        }
        let mut value = self.nano;
        let mut exponent = -9;
        while value % 1000 == 0 && exponent < 18 {
            value /= 1000;
            exponent += 3;
        }
        if self.format == Format::DecimalExponent && exponent != 0 {
            return write!(f, "{value}e{exponent}");
        }
        let suffix = DECIMAL.iter().find(|(_, e)| *e == exponent).map_or("", |(s, _)| s);
        write!(f, "{value}{suffix}")
    }
}

fn suffix_factor(suffix: &str) -> Result<(Factor, Format), QuantityError> {
    if let Some((_, e)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
        return Ok((Factor::Ten(*e), Format::DecimalSi));
    }
    if let Some((_, e)) = BINARY.iter().find(|(s, _)| *s == suffix) {
        return Ok((Factor::Two(*e), Format::BinarySi));
    }
    let exponent = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::Suffix)?;
    let e: i32 = exponent.parse().map_err(|_| QuantityError::Suffix)?;
    Ok((Factor::Ten(e), Format::DecimalExponent))
}

#[derive(Clone, Copy)]
enum Factor {
    Ten(i32),
    Two(u32),
}

/// `mantissa * factor / 10^scale` in nano units, rounded away from zero below a nano.
fn scaled(mantissa: i128, factor: Factor, scale: u32) -> Option<i128> {
    let ten = |n: u32| 10i128.checked_pow(n);
    match factor {
        Factor::Ten(e) => {
            let shift = 9 + e - i32::try_from(scale).ok()?;
            if shift >= 0 {
                mantissa.checked_mul(ten(shift.unsigned_abs())?)
            } else {
                Some(ten(shift.unsigned_abs()).map_or(i128::from(mantissa != 0), |d| ceil_div(mantissa, d)))
            }
        }
        Factor::Two(e) => {
            let value = mantissa.checked_mul(1i128.checked_shl(e)?)?.checked_mul(NANO)?;
            Some(ceil_div(value, ten(scale)?))
        }
    }
}

fn ceil_div(a: i128, b: i128) -> i128 {
    let q = a / b;
    if a % b == 0 { q } else { q + a.signum() }
}

fn clamp(v: i128) -> i64 {
    i64::try_from(v).unwrap_or(if v < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, canonical: &str, milli: i64) {
        let q = Quantity::parse(text).unwrap();
        assert_eq!((q.to_string().as_str(), q.milli()), (canonical, milli), "{text}");
    }

    #[test]
    fn canonical_forms() {
        check("1000m", "1", 1000);
        check("0.5", "500m", 500);
        check("1.5Gi", "1536Mi", 1_610_612_736_000);
        check("1Ki", "1Ki", 1_024_000);
        check("1000Gi", "1000Gi", 1_073_741_824_000_000);
        check("1e3", "1e3", 1_000_000);
        check("1E", "1E", i64::MAX);
        check("100u", "100u", 1);
        check("-1.5", "-1500m", -1500);
    }

    #[test]
    fn refusals() {
        assert_eq!(Quantity::parse("1x"), Err(QuantityError::Format));
        assert_eq!(Quantity::parse("1  //"), Err(QuantityError::Format));
        assert_eq!(Quantity::parse("1mm"), Err(QuantityError::Suffix));
        assert_eq!(Quantity::parse("1.2.3"), Err(QuantityError::Numeric));
        assert_eq!(Quantity::parse(""), Err(QuantityError::Format));
    }
}
