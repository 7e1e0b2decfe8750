//! Whether the certificate of our public URL still holds some days from now.

use std::sync::Arc;
use std::time::Duration;

use identity::time::Moment;
use reqwest::Client;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, Error as TlsError};
use rustls_platform_verifier::Verifier;
use url::Url;

use crate::config::OutboundConfig;

/// A certificate that ends sooner shall have been renewed: Let's Encrypt's clients do that a month
/// before.
pub(super) const AHEAD: Duration = Duration::from_secs(14 * 24 * 3600);

/// A clock that stands still.
#[derive(Debug)]
struct At(Duration);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0))
    }
}

/// Whether somebody who connects to `url` at `then` would take its certificate. That it takes it
/// now is known already, so nothing else can be the cause of a refusal.
pub(super) async fn holds_at(
    url: &Url,
    then: Moment,
    outbound: &OutboundConfig,
) -> Result<bool, TlsError> {
    Ok(client(then, outbound)?.get(url.clone()).send().await.is_ok())
}

#[expect(clippy::disallowed_methods, reason = "it asks nobody but ourselves, at another time")]
fn client(then: Moment, outbound: &OutboundConfig) -> Result<Client, TlsError> {
    let since = Duration::from_micros(u64::try_from(then.micros()).unwrap_or(0));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let authorities: Vec<CertificateDer<'static>> = outbound
        .extra_ca_files
        .iter()
        .filter_map(|file| CertificateDer::pem_file_iter(file).ok())
        .flat_map(|found| found.filter_map(Result::ok))
        .collect();
    let verifier: Arc<dyn ServerCertVerifier> =
        Arc::new(Verifier::new_with_extra_roots(authorities, Arc::clone(&provider))?);
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        // The same verifier as everywhere; only the time that it is told is another.
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    tls.time_provider = Arc::new(At(since));
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(outbound.timeout_seconds))
        .build()
        .map_err(|error| TlsError::General(error.to_string()))
}
