//! The key that signs messages.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key as Standard Webhooks writes it: `whsec_` and 24 to 64 bytes in base64.
#[derive(Clone)]
pub(crate) struct WebhookSecret(Vec<u8>);

// Nobody reads it in a log.
impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(***)")
    }
}

impl FromStr for WebhookSecret {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "expected whsec_ and 24 to 64 random bytes in base64, such as printed by: \
            echo whsec_$(openssl rand -base64 32)";
        let key = text.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
        key.filter(|key| (24..=64).contains(&key.len())).map(Self).ok_or(wrong)
    }
}

impl WebhookSecret {
    /// The signature of a message, which is sent at a time in seconds since 1970.
    pub(super) fn sign(&self, webhook_id: &str, seconds: i64, body: &[u8]) -> String {
        // A key of any length is one of HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(format!("{webhook_id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::WebhookSecret;

    #[test]
    fn a_message_is_signed_as_the_specification_signs_its_example() {
        let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let signed =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_refused_and_none_is_shown() {
        for text in
            ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa!w"]
        {
            assert!(text.parse::<WebhookSecret>().is_err(), "{text}");
        }
        let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        assert_eq!(format!("{secret:?}"), "WebhookSecret(***)");
    }
}
