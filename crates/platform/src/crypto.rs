//! The process-wide TLS provider.

/// Makes aws-lc-rs the provider of every TLS connection. Call it first in `main` and in tests; calling it again does nothing.
pub fn install() {
    // An error means that another caller was first, which is all we want.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
