# syntax=docker/dockerfile:1
# The tag is that of rust-toolchain.toml; Debian's release is that of the second image, so that the
# libc of the build is there.
FROM rust:1.95.0-bookworm AS build
# Else the toolchain file has rustup fetch the tools of developers.
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_PROFILE_RELEASE_STRIP=debuginfo
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY pipeline pipeline
COPY api api
COPY sql sql
COPY feeds feeds
# What was fetched and compiled stays for the next build. It is no part of a layer, so the binary is
# copied out.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --bin stevedore \
    && cp target/release/stevedore /stevedore

# libc, libgcc, the certificates of public authorities, and neither a shell nor a package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /stevedore /usr/local/bin/stevedore
ENV STEVEDORE_LISTEN=0.0.0.0:8080 STEVEDORE_LOG_FORMAT=json
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
WORKDIR /home/nonroot
EXPOSE 8080
STOPSIGNAL SIGTERM
# Of `serve`, which has a port; turn it off for the other verbs. With TLS, or another port, say where:
# STEVEDORE_SERVER=https://name-of-the-certificate:8443.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/stevedore", "health"]
ENTRYPOINT ["/usr/local/bin/stevedore"]
CMD ["serve"]
