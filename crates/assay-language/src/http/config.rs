use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderName;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;
use serde_json::{Map, Value};

use super::{CONNECT_TIMEOUT, HttpModel, Secret};
use crate::error::excerpt;
use crate::{Api, Error, Result};

const OPERATION: &str = "http model";
/// An answer larger than this is no text; see [`HttpModelConfig::with_max_body`].
const MAX_BODY: usize = 16 << 20;

/// How to reach a model behind an OpenAI-compatible server.
///
/// ```no_run
/// use assay_language::{HttpModelConfig, Request, RetryPolicy, TextModel};
/// let model = HttpModelConfig::new("https://api.openai.com/v1", "gpt-4o-mini")
///     .with_key_from("OPENAI_API_KEY")
///     .init()?;
/// let model = RetryPolicy::new().around(model);
/// println!("{}", model.ask(&Request::new("Name a river."))?.text());
/// # Ok::<(), assay_language::Error>(())
/// ```
///
/// The key is read from the environment by `init`, sent as a bearer token and shown nowhere. It is
/// not sent over plain HTTP except to this machine. Certificates are verified by the system's roots and
/// those that [`with_root_certificates`](Self::with_root_certificates) adds; there is no way to turn
/// that off. Redirects are errors that name their target.
#[derive(Debug, Clone)]
pub struct HttpModelConfig {
    base_url: String,
    model: String,
    api: Api,
    /// The body that a service of another form is sent.
    service: Option<Value>,
    key_from: Option<String>,
    key_header: Option<String>,
    plain_key: bool,
    extra: Map<String, Value>,
    max_body: usize,
    proxy: Proxy,
    connect_timeout: Duration,
    roots: Vec<u8>,
}

/// Which proxy requests go through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Environment,
    /// None.
    Direct,
    /// This one, by its URL.
    Url(String),
}

impl HttpModelConfig {
    /// A server's base URL (what stands before `/chat/completions`) and the model's name there.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            api: Api::default(),
            service: None,
            key_from: None,
            key_header: None,
            plain_key: false,
            extra: Map::new(),
            max_body: MAX_BODY,
            proxy: Proxy::default(),
            connect_timeout: CONNECT_TIMEOUT,
            roots: Vec::new(),
        }
    }

    /// A service that takes and gives JSON of another form than OpenAI's: `body` is sent to `url` with the
    /// request's prompt in place of every string `{text}`, and the whole answer is the text of the response
    /// and its `raw`. All that wraps a model (retries, limits, cache) then wraps the service.
    ///
    /// ```no_run
    /// use assay_language::{HttpModelConfig, Request, TextModel};
    /// let body = serde_json::json!({"inputs": "{text}"});
    /// let service = HttpModelConfig::service("http://localhost:8080/score", "scorer", body).init()?;
    /// println!("{}", service.ask(&Request::new("How kind of you."))?.raw["score"]);
    /// # Ok::<(), assay_language::Error>(())
    /// ```
    pub fn service(url: impl Into<String>, name: impl Into<String>, body: Value) -> Self {
        Self { service: Some(body), ..Self::new(url, name) }
    }

    /// Sets the protocol.
    #[must_use]
    pub fn with_api(self, api: Api) -> Self {
        Self { api, ..self }
    }

    /// Names the environment variable that holds the key. Without, no key is sent.
    #[must_use]
    pub fn with_key_from(self, variable: impl Into<String>) -> Self {
        Self { key_from: Some(variable.into()), ..self }
    }

    /// Sends the key as it is in this header, such as `x-goog-api-key`, instead of as a bearer token.
    #[must_use]
    pub fn with_key_header(self, name: impl Into<String>) -> Self {
        Self { key_header: Some(name.into()), ..self }
    }

    /// Lets the key go over plain HTTP to another machine, for servers on a network of one's own.
    #[must_use]
    pub fn with_key_over_plain_http(self) -> Self {
        Self { plain_key: true, ..self }
    }

    /// Adds a field to every request's body, unless the request has it.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: Value) -> Self {
        self.extra.insert(name.into(), value);
        self
    }

    /// Sets the most bytes of an answer; a longer one is [`Error::TooLarge`]. 16 MiB at first.
    #[must_use]
    pub fn with_max_body(self, bytes: usize) -> Self {
        Self { max_body: bytes, ..self }
    }

    /// Sets the proxy.
    #[must_use]
    pub fn with_proxy(self, proxy: Proxy) -> Self {
        Self { proxy, ..self }
    }

    /// Adds certificates (PEM) of authorities to trust besides the system's, such as one's own for a
    /// server on one's own network.
    #[must_use]
    pub fn with_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(b'\n');
        self.roots.extend_from_slice(pem.as_ref());
        self
    }

    /// Sets how long connecting may take; 20 s at first. How long an answer may take is
    /// [`RetryPolicy`](crate::RetryPolicy)'s business.
    #[must_use]
    pub fn with_connect_timeout(self, limit: Duration) -> Self {
        Self { connect_timeout: limit, ..self }
    }

    /// Checks the settings, reads the key and starts the client.
    ///
    /// # Errors
    /// [`Error::Setting`] for a URL that is not `http` or `https`, an environment variable that is
    /// missing, a key that would go over plain HTTP, a header that is no name, certificates that are none,
    /// or a proxy that is no URL; [`Error::Connection`] when the system has no certificates or no thread.
    pub fn init(self) -> Result<HttpModel> {
        let url = self.url()?;
        let key = self.key(&url)?;
        let key_header = match &self.key_header {
            None => None,
            Some(name) => Some(
                HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| setting("key header", "a header's name", &excerpt(name, 60)))?,
            ),
        };
        let roots = self.roots()?;
        let tls = || -> Result<rustls::ClientConfig, rustls::Error> {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))?;
            let builder = rustls::ClientConfig::builder_with_provider(provider);
            let builder = builder.with_safe_default_protocol_versions()?;
            // "Dangerous" is what rustls calls any verifier but its own; this one is the platform's.
            let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
            Ok(builder.with_no_client_auth())
        };
        let tls = tls().map_err(|e| Error::Connection { problem: e.to_string() })?;
        let mut client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .user_agent(concat!("assay-language/", env!("CARGO_PKG_VERSION")));
        match &self.proxy {
            Proxy::Environment => {}
            Proxy::Direct => client = client.no_proxy(),
            Proxy::Url(proxy) => {
                let proxy = reqwest::Proxy::all(proxy)
                    .map_err(|_| setting("proxy", "a URL", "something else"))?;
                client = client.proxy(proxy);
            }
        }
        let client = client.build().map_err(super::connection)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("assay-http")
            .enable_io()
            .enable_time()
            .build()
            .map_err(|e| Error::Connection { problem: e.to_string() })?;
        Ok(HttpModel {
            client,
            url,
            model: self.model,
            api: self.api,
            service: self.service,
            key,
            key_header,
            extra: self.extra,
            max_body: self.max_body,
            runtime: Some(runtime),
        })
    }

    fn url(&self) -> Result<reqwest::Url> {
        let text = match self.service {
            None => format!("{}/{}", self.base_url.trim_end_matches('/'), self.api.path()),
            Some(_) => self.base_url.clone(),
        };
        let url = reqwest::Url::parse(&text);
        let url = url.map_err(|e| setting("base URL", "a URL", &e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(setting("base URL", "http or https", url.scheme()));
        }
        Ok(url)
    }

    fn roots(&self) -> Result<Vec<CertificateDer<'static>>> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.roots).collect();
        let problem = match found {
            Ok(found) if found.is_empty() && !self.roots.is_empty() => "none".to_owned(),
            Ok(found) => return Ok(found),
            Err(error) => error.to_string(),
        };
        Err(setting("root certificates", "certificates as PEM", &problem))
    }

    fn key(&self, url: &reqwest::Url) -> Result<Option<Secret>> {
        let Some(variable) = &self.key_from else { return Ok(None) };
        let Ok(key) = std::env::var(variable) else {
            let got = format!("none in `{}`", excerpt(variable, 60));
            return Err(setting("API key", "in the environment variable", &got));
        };
        let host = url.host_str().unwrap_or("").trim_matches(['[', ']']);
        let here = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if url.scheme() == "http" && !here && !self.plain_key {
            return Err(setting("base URL", "https where a key is sent", "http"));
        }
        Secret::new(&key).map(Some)
    }
}

fn setting(name: &'static str, expected: &'static str, got: &str) -> Error {
    Error::Setting { operation: OPERATION, name, expected, got: got.to_owned() }
}
