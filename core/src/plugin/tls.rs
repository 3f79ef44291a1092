//! TLS to a plugin, as its spec file says.

use std::io;

use super::address::TlsConfig;
use super::transport::{Stream, Timed};
use crate::error::Result;

#[cfg(feature = "plugin-tls")]
pub(super) use with::Tls;
#[cfg(not(feature = "plugin-tls"))]
pub(super) use without::Tls;

#[cfg(not(feature = "plugin-tls"))]
mod without {
    use super::{io, Result, Stream, Timed, TlsConfig};
    use crate::error::{Error, ErrorKind};

    /// Of a library that was built without it.
    #[derive(Clone)]
    pub(crate) enum Tls {}

    impl Tls {
        pub(crate) fn new(_: &TlsConfig) -> Result<Self> {
            Err(Error::new(ErrorKind::Unsupported, "use", "TLS")
                .with_cause("this library was built without the feature plugin-tls"))
        }

        pub(crate) fn wrap(&self, _: Timed, _: &str) -> io::Result<Box<dyn Stream>> {
            match *self {}
        }
    }
}

#[cfg(feature = "plugin-tls")]
mod with {
    use std::path::Path;
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{ring, verify_tls12_signature, verify_tls13_signature, CryptoProvider};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
    use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};

    use super::super::find::read;
    use super::{io, Result, Stream, Timed, TlsConfig};
    use crate::error::{Error, ErrorKind};

    /// The longest file in PEM, in KiB: room for all authorities of a distribution.
    const LONGEST: u64 = 4 << 10;

    /// What a plugin is trusted by, and what it trusts.
    #[derive(Clone)]
    pub(crate) struct Tls(Arc<ClientConfig>);

    impl Tls {
        pub(crate) fn new(config: &TlsConfig) -> Result<Self> {
            let provider = Arc::new(ring::default_provider());
            let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
            let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(&error))?;
            let builder = match config.insecure_skip_verify {
                true => {
                    builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                }
                false => builder.with_root_certificates(roots(&config.ca_file)?),
            };
            let own = match (&*config.cert_file, &*config.key_file) {
                ("", "") => return Ok(Self(Arc::new(builder.with_no_client_auth()))),
                ("", _) => return Err(one_alone("KeyFile", "CertFile")),
                (_, "") => return Err(one_alone("CertFile", "KeyFile")),
                (certificate, key) => {
                    builder.with_client_auth_cert(certificates(certificate)?, private(key)?)
                }
            };
            own.map(|config| Self(Arc::new(config))).map_err(|error| wrong(&error))
        }

        pub(crate) fn wrap(&self, timed: Timed, host: &str) -> io::Result<Box<dyn Stream>> {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let name = ServerName::try_from(host.to_owned()).map_err(|error| invalid(&error))?;
            let connection =
                ClientConnection::new(Arc::clone(&self.0), name).map_err(|error| invalid(&error))?;
            Ok(Box::new(rustls::StreamOwned::new(connection, timed)))
        }
    }

    fn invalid(error: &dyn std::error::Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error.to_string())
    }

    fn wrong(error: &rustls::Error) -> Error {
        Error::bad_request("use", "TLSConfig", error.to_string())
    }

    fn one_alone(given: &str, missing: &str) -> Error {
        Error::bad_request("use", "TLSConfig", format!("it has a {given} and no {missing}"))
    }

    /// The authorities of that file, or those that the host trusts: what `SSL_CERT_FILE` and `SSL_CERT_DIR` of the
    /// environment name goes before the distribution's.
    fn roots(ca_file: &str) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        if !ca_file.is_empty() {
            for certificate in certificates(ca_file)? {
                let added = roots.add(certificate);
                added.map_err(|error| Error::bad_request("use", ca_file, error.to_string()))?;
            }
            return Ok(roots);
        }
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            let cause = "it has no CAFile, and this host has no certificates of authorities";
            return Err(Error::new(ErrorKind::NotFound, "use", "TLSConfig").with_cause(cause));
        }
        Ok(roots)
    }

    fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>> {
        let text = pem(path)?;
        let all: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let all = all.map_err(|error| unreadable(path, &error))?;
        match all.is_empty() {
            true => Err(unreadable(path, &"there is no certificate in it")),
            false => Ok(all),
        }
    }

    fn private(path: &str) -> Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(&pem(path)?).map_err(|error| unreadable(path, &error))
    }

    fn pem(path: &str) -> Result<Vec<u8>> {
        if !Path::new(path).is_absolute() {
            return Err(unreadable(path, &"its path is not absolute"));
        }
        read(Path::new(path), LONGEST).map_err(|error| unreadable(path, &error))
    }

    fn unreadable(path: &str, cause: &dyn std::fmt::Display) -> Error {
        Error::bad_request("read", path, cause.to_string())
    }

    /// `InsecureSkipVerify`: who it is does not matter, only that it holds what it shows.
    #[derive(Debug)]
    struct AnyCertificate(Arc<CryptoProvider>);

    impl ServerCertVerifier for AnyCertificate {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> std::result::Result<ServerCertVerified, rustls::Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
