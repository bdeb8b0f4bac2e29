//! The client over TLS: a server whose certificate is right, and four whose is wrong.

use std::net::SocketAddr;
use std::sync::Arc;

use assay_language::{Error, HttpModelConfig, Proxy, Request, Result, TextModel};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server that answers "yes" once it has been spoken to over TLS; its certificate is issued by an
/// authority to a name.
struct Server {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Server {
    fn start(authority: &Authority, name: &str, expired: bool) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_io()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut seen = Vec::new();
                    // The body is the last thing that a client sends; it ends with a brace.
                    while !(seen.ends_with(b"}") && seen.windows(4).any(|w| w == b"\r\n\r\n")) {
                        if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let body = r#"{"choices":[{"message":{"content":"yes"}}]}"#;
                    let length = body.len();
                    let answer =
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { address, runtime: Some(runtime) }
    }

    fn ask(&self, roots: Option<&Authority>) -> Result<String> {
        let url = format!("https://localhost:{}/v1", self.address.port());
        let mut config = HttpModelConfig::new(url, "m").with_proxy(Proxy::Direct);
        if let Some(authority) = roots {
            config = config.with_root_certificates(authority.pem());
        }
        Ok(config.init()?.ask(&Request::new("Is it safe?"))?.text().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The reason of a refused connection.
fn refused(answer: Result<String>) -> String {
    match answer {
        Err(Error::Connection { problem }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_right_certificate_is_spoken_to_and_a_wrong_one_refused() {
    let (known, other) = (authority(), authority());
    let right = Server::start(&known, "localhost", false);
    assert_eq!(right.ask(Some(&known)).unwrap(), "yes");
    // An authority that nobody trusts, or another one than is trusted.
    refused(right.ask(None));
    let reason = refused(right.ask(Some(&other)));
    assert!(reason.to_lowercase().contains("certificate"), "{reason}");
    // A certificate of a trusted authority for another name, and one that has expired.
    refused(Server::start(&known, "example.org", false).ask(Some(&known)));
    refused(Server::start(&known, "localhost", true).ask(Some(&known)));
    // It is the certificates and not the servers: this one is right again.
    assert_eq!(right.ask(Some(&known)).unwrap(), "yes");
}

#[test]
fn a_plain_server_is_not_spoken_to_over_tls() {
    let server = assay_language::testing::LoopbackServer::start(|_| {
        assay_language::testing::Act::Answer("yes".into())
    });
    let url = server.base_url().replace("http://127.0.0.1", "https://localhost");
    let model = HttpModelConfig::new(url, "m").with_proxy(Proxy::Direct).init().unwrap();
    assert!(matches!(model.ask(&Request::new("x")), Err(Error::Connection { .. })));
    assert_eq!(server.hits(), 0);
}

#[test]
fn certificates_that_are_none_are_refused() {
    for bad in ["not a certificate", "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"]
    {
        let config = HttpModelConfig::new("https://localhost/v1", "m").with_root_certificates(bad);
        assert!(matches!(config.init(), Err(Error::Setting { .. })), "{bad}");
    }
}
