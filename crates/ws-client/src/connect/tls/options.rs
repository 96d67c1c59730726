//! What can be set about TLS, on connectors and on dialers that have ours.

#[cfg(feature = "rustls")]
use std::sync::Arc;

#[cfg(feature = "native-tls")]
use native_tls::TlsConnectorBuilder;
#[cfg(feature = "rustls")]
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use super::Tls;
#[cfg(feature = "rustls")]
use super::by_rustls::{ClientCertificate, Options, Trusted};
use crate::{Connector, Dialer};

impl Connector {
    /// Sets roots, client certificates and all else about TLS, in place of the platform's verifier and of what was set
    /// before.
    ///
    /// The protocols offered by ALPN are replaced by `http/1.1`, because a server that picks `h2` from a configuration
    /// that is shared with an HTTP client could not be talked to.
    ///
    /// ```
    /// # fn run(roots: ws_client::rustls::RootCertStore) -> Result<(), ws_client::rustls::Error> {
    /// use std::sync::Arc;
    /// use ws_client::rustls::{ClientConfig, crypto::ring};
    ///
    /// let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let connector = ws_client::Connector::new().tls_config(Arc::new(config));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    #[must_use]
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Tls::with_config(config);
        self
    }

    /// Trusts these root certificates too, beside those that are trusted anyway.
    ///
    /// It says nothing to a configuration that [`tls_config`](Self::tls_config) set: the later of the two counts. A root
    /// that is no certificate fails the dial, as [`TlsError::Configuration`](crate::TlsError::Configuration).
    ///
    /// ```no_run
    /// # fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use ws_client::{
    ///     Dialer,
    ///     rustls::pki_types::{CertificateDer, pem::PemObject},
    /// };
    ///
    /// let roots: Vec<_> = CertificateDer::pem_file_iter("our-authority.pem")?.collect::<Result<_, _>>()?;
    /// let dialer = Dialer::new().add_roots(roots);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    #[must_use]
    pub fn add_roots(self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.with_rustls(|options| options.roots.extend(roots))
    }

    /// Trusts these root certificates and nobody else: for servers of a private authority.
    ///
    /// It replaces whatever was trusted, and says as little to [`tls_config`](Self::tls_config) as
    /// [`add_roots`](Self::add_roots) does. Without any root the dial fails, as
    /// [`TlsError::NoRoots`](crate::TlsError::NoRoots).
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    #[must_use]
    pub fn only_roots(self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.with_rustls(|options| {
            options.trusted = Trusted::Nobody;
            options.roots = roots.into_iter().collect();
        })
    }

    /// Trusts Mozilla's root certificates, which are compiled in, instead of the platform's.
    ///
    /// That is for images without certificates. They are as old as the build, and what the administrator of the machine
    /// trusts or distrusts does not count.
    #[cfg(feature = "webpki-roots")]
    #[cfg_attr(docsrs, doc(cfg(feature = "webpki-roots")))]
    #[must_use]
    pub fn webpki_roots(self) -> Self {
        self.with_rustls(|options| options.trusted = Trusted::Webpki)
    }

    /// Shows this certificate to servers that ask for one: the certificate first, then those that lead to its root.
    ///
    /// It says as little to [`tls_config`](Self::tls_config) as [`add_roots`](Self::add_roots) does. A key that does not
    /// belong to the certificate fails the dial, as [`TlsError::Configuration`](crate::TlsError::Configuration).
    ///
    /// ```no_run
    /// # fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use ws_client::{
    ///     Dialer,
    ///     rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    /// };
    ///
    /// let chain: Vec<_> = CertificateDer::pem_file_iter("client.pem")?.collect::<Result<_, _>>()?;
    /// let key = PrivateKeyDer::from_pem_file("client.key")?;
    /// let dialer = Dialer::new().client_certificate(chain, key);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    #[must_use]
    pub fn client_certificate(
        self,
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Self {
        let client = ClientCertificate { chain: chain.into_iter().collect(), key };
        self.with_rustls(|options| options.client = Some(Arc::new(client)))
    }

    /// Speaks TLS by native-tls, with what this builder says, instead of by rustls.
    ///
    /// The protocols offered by ALPN are replaced by `http/1.1`.
    ///
    /// ```no_run
    /// # fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use ws_client::{Dialer, native_tls};
    ///
    /// let mut builder = native_tls::TlsConnector::builder();
    /// let root = std::fs::read("our-authority.pem")?;
    /// builder.add_root_certificate(native_tls::Certificate::from_pem(&root)?);
    /// let dialer = Dialer::new().native_tls(builder);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "native-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "native-tls")))]
    #[must_use]
    pub fn native_tls(mut self, builder: TlsConnectorBuilder) -> Self {
        self.tls = Tls::with_builder(builder);
        self
    }

    #[cfg(feature = "rustls")]
    fn with_rustls(mut self, change: impl FnOnce(&mut Options)) -> Self {
        self.tls = Tls::Rustls(
            match self.tls {
                Tls::Rustls(rustls) => rustls,
                #[cfg(feature = "native-tls")]
                Tls::NativeTls(_) => super::by_rustls::Rustls::default(),
            }
            .with_options(change),
        );
        self
    }
}

impl Dialer {
    /// Sets roots, client certificates and all else about TLS; see [`Connector::tls_config`].
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    pub fn tls_config(self, config: Arc<ClientConfig>) -> Self {
        self.with_connector(|connector| connector.tls_config(config))
    }

    /// Trusts these root certificates too, beside those that are trusted anyway; see [`Connector::add_roots`].
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    pub fn add_roots(self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.with_connector(|connector| connector.add_roots(roots))
    }

    /// Trusts these root certificates and nobody else; see [`Connector::only_roots`].
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    pub fn only_roots(self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.with_connector(|connector| connector.only_roots(roots))
    }

    /// Trusts Mozilla's root certificates instead of the platform's; see [`Connector::webpki_roots`].
    #[cfg(feature = "webpki-roots")]
    #[cfg_attr(docsrs, doc(cfg(feature = "webpki-roots")))]
    pub fn webpki_roots(self) -> Self {
        self.with_connector(Connector::webpki_roots)
    }

    /// Shows this certificate to servers that ask for one; see [`Connector::client_certificate`].
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    pub fn client_certificate(
        self,
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Self {
        self.with_connector(|connector| connector.client_certificate(chain, key))
    }

    /// Speaks TLS by native-tls instead of by rustls; see [`Connector::native_tls`].
    #[cfg(feature = "native-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "native-tls")))]
    pub fn native_tls(self, builder: TlsConnectorBuilder) -> Self {
        self.with_connector(|connector| connector.native_tls(builder))
    }

    fn with_connector(mut self, change: impl FnOnce(Connector) -> Connector) -> Self {
        self.connector = change(self.connector);
        self
    }
}
