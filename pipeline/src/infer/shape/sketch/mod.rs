//! How many distinct values there were: exactly while they are few, then estimated.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Distinct values that are counted exactly; they take as much memory as the registers do.
const FEW: usize = 128;
/// Bits of a hash that choose a register.
const INDEX_BITS: u32 = 10;
/// Registers: the estimate of many is off by 1.04 / √1024, 3 %, as a standard deviation.
const REGISTERS: usize = 1 << INDEX_BITS;

/// A `HyperLogLog` of hashes, with the hashes themselves while they are few. What it holds depends
/// on the set of the hashes only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sketch {
    /// The hashes, in order.
    Few(Vec<u64>),
    /// For each beginning of a hash, the most zeros that followed it, plus one.
    Many(Registers),
}

/// The registers; written as one character each, since none is over 55.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Registers(Box<[u8]>);

/// What a register of zero is written as; all that follow are printable and need no escapes but
/// `\`, which is left out.
const ZERO: u8 = b'0';
const SKIPPED: u8 = b'\\';

impl Default for Sketch {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Sketch {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few(hashes) if hashes.is_empty())
    }

    pub(super) fn insert(&mut self, hash: u64) {
        match self {
            Self::Few(hashes) => {
                let Err(at) = hashes.binary_search(&hash) else {
                    return;
                };
                hashes.insert(at, hash);
                if hashes.len() > FEW {
                    *self = Self::Many(Registers::of(hashes));
                }
            }
            Self::Many(registers) => registers.insert(hash),
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        match (&mut *self, other) {
            (_, Self::Few(hashes)) => hashes.into_iter().for_each(|hash| self.insert(hash)),
            (Self::Few(hashes), Self::Many(mut registers)) => {
                hashes.iter().for_each(|hash| registers.insert(*hash));
                *self = Self::Many(registers);
            }
            (Self::Many(registers), Self::Many(others)) => {
                let pairs = registers.0.iter_mut().zip(others.0);
                pairs.for_each(|(register, other)| *register = other.max(*register));
            }
        }
    }

    /// The number of distinct values while they are few enough to be counted.
    pub(crate) fn exact(&self) -> Option<u64> {
        match self {
            Self::Few(hashes) => Some(hashes.len() as u64),
            Self::Many(_) => None,
        }
    }

    pub(crate) fn estimate(&self) -> u64 {
        match self {
            Self::Few(hashes) => hashes.len() as u64,
            Self::Many(registers) => registers.estimate().max(FEW as u64 + 1),
        }
    }
}

impl Registers {
    fn of(hashes: &[u64]) -> Self {
        let mut registers = Self(vec![0; REGISTERS].into());
        hashes.iter().for_each(|hash| registers.insert(*hash));
        registers
    }

    fn insert(&mut self, hash: u64) {
        let at = (hash >> (u64::BITS - INDEX_BITS)) as usize;
        // The bit that is set bounds the zeros that are counted.
        let rest = hash << INDEX_BITS | 1 << (INDEX_BITS - 1);
        let rank = rest.leading_zeros() as u8 + 1;
        self.0[at] = self.0[at].max(rank);
    }

    /// Flajolet's estimate, and linear counting where that is better.
    fn estimate(&self) -> u64 {
        let count = REGISTERS as f64;
        let sum: f64 = self.0.iter().map(|register| 0.5_f64.powi(i32::from(*register))).sum();
        let raw = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
        let zeros = self.0.iter().filter(|register| **register == 0).count();
        let linear = count * (count / zeros.max(1) as f64).ln();
        let estimate = if raw <= 2.5 * count && zeros > 0 { linear } else { raw };
        estimate.round() as u64
    }
}

impl From<Registers> for String {
    fn from(registers: Registers) -> Self {
        let written = |register: &u8| match ZERO + register {
            byte if byte < SKIPPED => char::from(byte),
            byte => char::from(byte + 1),
        };
        registers.0.iter().map(written).collect()
    }
}

impl TryFrom<String> for Registers {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let read = |byte: u8| byte.checked_sub(ZERO + u8::from(byte > SKIPPED));
        let registers: Option<Box<[u8]>> = text.bytes().map(read).collect();
        let registers = registers.filter(|registers| registers.len() == REGISTERS);
        registers.map(Self).ok_or("these are no registers of a sketch")
    }
}

/// The hash by which values are told apart. It is stored, so it must never change: XXH3 is a
/// specification.
pub(super) fn hash_text(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// The same for numbers that are equal, however they are written.
pub(super) fn hash_number(number: f64) -> u64 {
    if number.trunc() == number && number.abs() < 1e18 {
        return hash_integer(number as i128);
    }
    xxh3_64(&number.to_bits().to_be_bytes())
}

pub(super) fn hash_integer(integer: i128) -> u64 {
    match i64::try_from(integer) {
        Ok(integer) => xxh3_64(&integer.to_le_bytes()),
        Err(_) => xxh3_64(&integer.to_le_bytes()),
    }
}

#[cfg(test)]
mod tests;
