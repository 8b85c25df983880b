//! Numbers in the form that PostgreSQL sends.

use super::*;

/// The number of groups, the weight, the sign and the scale, and the groups.
fn words(text: &str) -> Vec<i16> {
    let mut out = Vec::new();
    put_numeric(text, &mut out);
    assert_eq!(out[..4], (out.len() as u32 - 4).to_be_bytes());
    out[4..].chunks_exact(2).map(|word| i16::from_be_bytes([word[0], word[1]])).collect()
}

#[test]
fn numbers_have_the_form_that_postgres_sends() {
    for (text, expected) in [
        ("0", vec![0, 0, 0, 0]),
        ("-0.00", vec![0, 0, 0, 2]),
        ("1", vec![1, 0, 0, 0, 1]),
        ("10000", vec![1, 1, 0, 0, 1]),
        ("12345.678", vec![3, 1, 0, 3, 1, 2345, 6780]),
        ("-0.05", vec![1, -1, 0x4000, 2, 500]),
        ("0.00005", vec![1, -2, 0, 5, 5000]),
        ("1.50", vec![2, 0, 0, 2, 1, 5000]),
        ("1e5", vec![1, 1, 0, 0, 10]),
        ("1.5e-3", vec![1, -1, 0, 4, 15]),
        ("0.5E+2", vec![1, 0, 0, 0, 50]),
        ("0e9", vec![0, 0, 0, 0]),
    ] {
        assert_eq!(words(text), expected, "{text}");
    }
}
