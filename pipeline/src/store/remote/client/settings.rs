//! What is said of a client.

use std::time::Duration;

use object_store::{ClientConfigKey as Key, ClientOptions};
use reqwest::{Certificate, ClientBuilder, NoProxy, Proxy};

use super::wrong;

/// What is said of a client.
pub(super) struct Settings<'a>(pub(super) &'a ClientOptions);

impl Settings<'_> {
    pub(super) fn text(&self, key: Key) -> Option<String> {
        self.0.get_config_value(&key)
    }

    pub(super) fn is(&self, key: Key) -> bool {
        self.text(key).is_some_and(|value| value == "true")
    }

    pub(super) fn duration(&self, key: Key) -> object_store::Result<Option<Duration>> {
        self.text(key).map(|text| humantime::parse_duration(&text).map_err(wrong)).transpose()
    }

    pub(super) fn number<T: std::str::FromStr<Err = std::num::ParseIntError>>(
        &self,
        key: Key,
    ) -> object_store::Result<Option<T>> {
        self.text(key).map(|text| text.parse().map_err(wrong)).transpose()
    }

    pub(super) fn proxied(&self, builder: ClientBuilder) -> object_store::Result<ClientBuilder> {
        let Some(url) = self.text(Key::ProxyUrl) else {
            return Ok(builder);
        };
        let mut proxy = Proxy::all(url).map_err(wrong)?;
        if let Some(excluded) = self.text(Key::ProxyExcludes) {
            proxy = proxy.no_proxy(NoProxy::from_string(&excluded));
        }
        let builder = builder.proxy(proxy);
        let Some(certificate) = self.text(Key::ProxyCaCertificate) else {
            return Ok(builder);
        };
        let certificate = Certificate::from_pem(certificate.as_bytes()).map_err(wrong)?;
        Ok(builder.tls_certs_merge([certificate]))
    }

    pub(super) fn timed(&self, mut builder: ClientBuilder) -> object_store::Result<ClientBuilder> {
        type Set = fn(ClientBuilder, Duration) -> ClientBuilder;
        let settings: [(Key, Set); 6] = [
            (Key::Timeout, ClientBuilder::timeout),
            (Key::ConnectTimeout, ClientBuilder::connect_timeout),
            (Key::ReadTimeout, ClientBuilder::read_timeout),
            (Key::PoolIdleTimeout, |builder, time| builder.pool_idle_timeout(time)),
            (Key::Http2KeepAliveInterval, |builder, time| builder.http2_keep_alive_interval(time)),
            (Key::Http2KeepAliveTimeout, ClientBuilder::http2_keep_alive_timeout),
        ];
        for (key, set) in settings {
            if let Some(duration) = self.duration(key)? {
                builder = set(builder, duration);
            }
        }
        Ok(builder)
    }

    pub(super) fn spoken(&self, mut builder: ClientBuilder) -> object_store::Result<ClientBuilder> {
        if let Some(most) = self.number(Key::PoolMaxIdlePerHost)? {
            builder = builder.pool_max_idle_per_host(most);
        }
        if let Some(bytes) = self.number::<u32>(Key::Http2MaxFrameSize)? {
            builder = builder.http2_max_frame_size(bytes);
        }
        if self.is(Key::Http2KeepAliveWhileIdle) {
            builder = builder.http2_keep_alive_while_idle(true);
        }
        if self.is(Key::Http1Only) {
            builder = builder.http1_only();
        }
        if self.is(Key::Http2Only) {
            builder = builder.http2_prior_knowledge();
        }
        Ok(builder)
    }
}
