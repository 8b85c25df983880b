//! The address to listen on, from its variables.

use super::listen_address;

#[test]
fn an_address_to_listen_on_may_be_a_name_and_may_lack_the_port() {
    for (text, address) in [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("0.0.0.0", "0.0.0.0:8080"),
        ("[::1]:80", "[::1]:80"),
        ("[::1]", "[::1]:8080"),
        ("::1", "[::1]:8080"),
    ] {
        assert_eq!(listen_address(text).unwrap(), address.parse().unwrap(), "{text}");
    }
    for text in ["localhost", "localhost:8080"] {
        let address = listen_address(text).unwrap();
        assert!(address.ip().is_loopback() && address.port() == 8080, "{address}");
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for text in ["", ":80", "127.0.0.1:port", "127.0.0.1:99999", "no such host"] {
        let refused = listen_address(text);
        assert!(refused.is_err(), "{text}: {refused:?}");
    }
}
