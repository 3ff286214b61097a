//! What has to be said of a provider, and whether it can be right.

use openidconnect::{ClientId, ClientSecret, IssuerUrl, RedirectUrl};
use reqwest::Url;

use super::claims::ClaimRules;
use crate::domain::identity::Role;

/// Where the provider sends people back to.
const BACK: &str = "/sign-in/back";

/// A provider, and this server as it knows it.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) issuer: IssuerUrl,
    pub(super) client: ClientId,
    pub(super) secret: Option<ClientSecret>,
    pub(super) back: RedirectUrl,
    pub(super) audience: String,
    pub(super) scopes: Vec<String>,
    pub(super) rules: ClaimRules,
    public: Url,
}

/// Why the settings cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsProblem {
    /// Something else than an address.
    #[error("{what} is \"{given}\", which is not an address such as https://example.org.")]
    NotAnAddress {
        /// Which setting.
        what: &'static str,
        /// What it holds.
        given: String,
    },
    /// Plain HTTP to another computer.
    #[error("{what} is \"{given}\": use https. Plain http is for 127.0.0.1, [::1] and localhost alone.")]
    NotSecure {
        /// Which setting.
        what: &'static str,
        /// What it holds.
        given: String,
    },
    /// An address of ours with more than a host.
    #[error(
        "The public address is \"{0}\": name scheme and host alone, such as https://sidebyside.example.org."
    )]
    NotAHost(String),
    /// Something that had to be said was not.
    #[error("A provider is named with --oidc-issuer, so {0} is needed too.")]
    Missing(&'static str),
    /// A role that is not ours.
    #[error(
        "\"{given}\" does not say what a value of the roles claim stands for: write value=role. The roles are: {}.",
        roles()
    )]
    NotARole {
        /// What was given.
        given: String,
    },
    /// A secret that is none.
    #[error("The file of the client's secret is empty.")]
    NoSecret,
}

fn roles() -> String {
    Role::ALL.into_iter().filter(|role| *role != Role::Public).map(Role::name).collect::<Vec<_>>().join(", ")
}

impl Settings {
    /// The settings of a provider, with the public address that browsers reach this server at.
    ///
    /// # Errors
    /// When an address is none, or would send secrets in the clear to another computer.
    pub fn new(issuer: &str, client: &str, public: &str) -> Result<Self, SettingsProblem> {
        const ISSUER: &str = "The issuer";
        let not_an_address = || SettingsProblem::NotAnAddress { what: ISSUER, given: issuer.to_owned() };
        address(ISSUER, issuer)?;
        let public = address("The public address", public)?;
        let is_host_alone = public.path() == "/"
            && public.query().is_none()
            && public.fragment().is_none()
            && public.username().is_empty()
            && public.password().is_none();
        if !is_host_alone {
            return Err(SettingsProblem::NotAHost(public.into()));
        }
        let here = public.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            issuer: IssuerUrl::new(issuer.to_owned()).map_err(|_| not_an_address())?,
            client: ClientId::new(client.to_owned()),
            secret: None,
            back: RedirectUrl::new(format!("{here}{BACK}")).map_err(|_| not_an_address())?,
            audience: here,
            scopes: vec!["profile".to_owned()],
            rules: ClaimRules::default(),
            public,
        })
    }

    /// With the secret the client proves itself by.
    ///
    /// # Errors
    /// When it is empty.
    pub fn with_secret(mut self, secret: &str) -> Result<Self, SettingsProblem> {
        let secret = secret.trim();
        if secret.is_empty() {
            return Err(SettingsProblem::NoSecret);
        }
        self.secret = Some(ClientSecret::new(secret.to_owned()));
        Ok(self)
    }

    /// With another audience of tokens than the public address.
    #[must_use]
    pub fn with_audience(mut self, audience: String) -> Self {
        self.audience = audience;
        self
    }

    /// With other scopes to ask for than `profile`.
    #[must_use]
    pub fn with_scopes(mut self, scopes: Vec<String>) -> Self {
        self.scopes = scopes;
        self
    }

    /// With the rules by which claims stand for roles.
    #[must_use]
    pub fn with_rules(mut self, rules: ClaimRules) -> Self {
        self.rules = rules;
        self
    }

    /// The provider's name of itself.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Where browsers reach this server: `https://sidebyside.example.org`.
    #[must_use]
    pub fn public_url(&self) -> &str {
        self.public.as_str().trim_end_matches('/')
    }

    /// Whether browsers reach this server through TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.public.scheme() == "https"
    }

    /// Whether a `Host` header is that of the public address, its usual port written out or not.
    pub(super) fn answers_to(&self, host: &str) -> bool {
        let Some(name) = self.public.host_str() else { return false };
        let given = match host.rsplit_once(':') {
            Some((before, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
                (before, port.parse().ok())
            }
            _ => (host, Some(self.usual_port())),
        };
        given.0.eq_ignore_ascii_case(name) && given.1 == self.public.port_or_known_default()
    }

    fn usual_port(&self) -> u16 {
        if self.is_secure() { 443 } else { 80 }
    }
}

fn address(what: &'static str, given: &str) -> Result<Url, SettingsProblem> {
    let not_an_address = || SettingsProblem::NotAnAddress { what, given: given.to_owned() };
    let url = Url::parse(given).map_err(|_| not_an_address())?;
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) | ("http", Some("localhost" | "127.0.0.1" | "[::1]")) => Ok(url),
        ("http", Some(_)) => Err(SettingsProblem::NotSecure { what, given: given.to_owned() }),
        _ => Err(not_an_address()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(public: &str) -> Result<Settings, SettingsProblem> {
        Settings::new("https://id.example.org/realm", "sidebyside", public)
    }

    #[test]
    fn the_public_address_is_a_host_alone() {
        let settings = at("https://sidebyside.example.org").unwrap();
        assert_eq!(settings.back.as_str(), "https://sidebyside.example.org/sign-in/back");
        assert_eq!(settings.public_url(), "https://sidebyside.example.org");
        for other in ["https://example.org/side", "https://example.org/?a", "https://a:b@example.org"] {
            assert!(matches!(at(other), Err(SettingsProblem::NotAHost(_))), "{other}");
        }
        assert!(matches!(at("example.org"), Err(SettingsProblem::NotAnAddress { .. })));
        assert!(matches!(at("ftp://example.org"), Err(SettingsProblem::NotAnAddress { .. })));
    }

    #[test]
    fn plain_http_stays_on_this_computer() {
        assert!(at("http://127.0.0.1:8080").is_ok() && at("http://[::1]:8080").is_ok());
        let problem = at("http://sidebyside.example.org").unwrap_err();
        assert_eq!(
            problem.to_string(),
            "The public address is \"http://sidebyside.example.org\": use https. Plain http is for 127.0.0.1, [::1] \
             and localhost alone."
        );
        let issuer = Settings::new("http://id.example.org", "sidebyside", "https://sidebyside.example.org");
        assert!(matches!(issuer, Err(SettingsProblem::NotSecure { what: "The issuer", .. })));
    }

    #[test]
    fn only_the_public_host_is_answered() {
        let settings = at("https://sidebyside.example.org").unwrap();
        for host in ["sidebyside.example.org", "SideBySide.example.org:443"] {
            assert!(settings.answers_to(host), "{host}");
        }
        for host in
            ["sidebyside.example.org:80", "example.org", "evil.sidebyside.example.org", "127.0.0.1", ""]
        {
            assert!(!settings.answers_to(host), "{host}");
        }
        let local = at("http://127.0.0.1:8080").unwrap();
        assert!(local.answers_to("127.0.0.1:8080"));
        assert!(!local.answers_to("127.0.0.1") && !local.answers_to("localhost:8080"));
    }
}
