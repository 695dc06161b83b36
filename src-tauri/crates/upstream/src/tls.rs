//! Whom we trust: the operating system's store, and the extra CA file if there is one (F121).
//!
//! One TLS configuration serves every connection pool. The system's certificates are read at the first handshake and not at
//! start, which keeps the start short when only loopback upstreams are used. There is no way to switch verification off.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;

use crate::config::ConfigError;

/// The TLS side of every connection pool: system trust, extra authorities, HTTP/2 by ALPN.
pub(crate) fn client_config(extra_ca: Option<&Path>) -> Result<ClientConfig, ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra = extra_ca
        .map(read_authorities)
        .transpose()?
        .unwrap_or_default();
    let lazy = Lazy {
        provider: provider.clone(),
        extra,
        verifier: OnceLock::new(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ConfigError::Client(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(lazy))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let problem = |problem: String| ConfigError::ExtraCa {
        path: path.display().to_string(),
        problem,
    };
    let pem = std::fs::read(path).map_err(|e| problem(format!("cannot be read: {e}")))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| problem("is not a PEM file of certificates".into()))?;
    if found.is_empty() {
        return Err(problem("holds no certificate".into()));
    }
    // A certificate the verifier would refuse later is refused now, with its file's name.
    let mut probe = rustls::RootCertStore::empty();
    for certificate in &found {
        probe
            .add(certificate.clone())
            .map_err(|e| problem(format!("holds an unusable certificate: {e}")))?;
    }
    Ok(found)
}

/// The platform's verifier, built at the first handshake.
#[derive(Debug)]
struct Lazy {
    provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
    verifier: OnceLock<Result<Verifier, Error>>,
}

impl Lazy {
    fn verifier(&self) -> Result<&Verifier, Error> {
        let made = self.verifier.get_or_init(|| {
            if self.extra.is_empty() {
                return Verifier::new(self.provider.clone());
            }
            #[cfg(not(target_os = "android"))]
            return Verifier::new_with_extra_roots(
                self.extra.iter().cloned(),
                self.provider.clone(),
            );
            #[cfg(target_os = "android")]
            return Err(Error::General(
                "extra certificate authorities are not supported here".into(),
            ));
        });
        made.as_ref()
            .map_err(|e| Error::Other(OtherError(Arc::new(e.clone()))))
    }
}

impl ServerCertVerifier for Lazy {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier()?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
