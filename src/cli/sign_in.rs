//! How people sign in: what `serve` is told of the provider, or the development mode where it is told of none.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use crate::auth::{Chance, ClaimRules, Development, Provider, Settings, SettingsProblem, SignIn};

/// The sign-in provider. Without an issuer this is the development mode.
#[derive(Debug, Clone, Args)]
pub struct Asked {
    /// The OpenID Connect provider's name of itself, an https address. Naming it ends the development mode.
    #[arg(long, env = "SIDEBYSIDE_OIDC_ISSUER", value_name = "URL")]
    oidc_issuer: Option<String>,
    /// What the provider knows this server as.
    #[arg(long, env = "SIDEBYSIDE_OIDC_CLIENT_ID", value_name = "ID")]
    oidc_client_id: Option<String>,
    /// The secret the provider gave it: a file that only you may read. A public client has none.
    #[arg(long, env = "SIDEBYSIDE_OIDC_CLIENT_SECRET_FILE", value_name = "FILE")]
    oidc_client_secret_file: Option<PathBuf>,
    /// Where browsers reach this server, such as https://sidebyside.example.org. The provider sends people back to
    /// /sign-in/back there.
    #[arg(long, env = "SIDEBYSIDE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// The claim that holds somebody's roles. A dot leads into an object: realm_access.roles.
    #[arg(long, env = "SIDEBYSIDE_OIDC_ROLES_CLAIM", value_name = "CLAIM", default_value = "roles")]
    oidc_roles_claim: String,
    /// The claim that holds the id of the partner somebody acts for.
    #[arg(long, env = "SIDEBYSIDE_OIDC_PARTNER_CLAIM", value_name = "CLAIM", default_value = "partner")]
    oidc_partner_claim: String,
    /// What a value of the roles claim stands for; more than one with semicolons, or said again. Without any, each role
    /// goes by its own name.
    #[arg(long, env = "SIDEBYSIDE_OIDC_ROLE", value_name = "VALUE=ROLE", value_delimiter = ';')]
    oidc_role: Vec<String>,
    /// The audience of access tokens; the public address if left out.
    #[arg(long, env = "SIDEBYSIDE_OIDC_AUDIENCE", value_name = "AUDIENCE")]
    oidc_audience: Option<String>,
    /// What to ask the provider for beside openid.
    #[arg(
        long,
        env = "SIDEBYSIDE_OIDC_SCOPES",
        value_name = "SCOPES",
        value_delimiter = ' ',
        default_value = "profile"
    )]
    oidc_scopes: Vec<String>,
}

impl Asked {
    /// The way people sign in on a server that listens there.
    pub fn way(&self, listen: SocketAddr) -> anyhow::Result<SignIn> {
        if let Some(settings) = self.settings()? {
            let provider = Provider::new(settings, Chance::SYSTEM);
            let provider = provider.context("the sign-in provider cannot be asked from this computer")?;
            return Ok(SignIn::from(Arc::new(provider)));
        }
        Development::allowed(listen)?;
        Ok(SignIn::from(Arc::new(Development::default())))
    }

    /// The provider's settings, where one is named. As with our other variables, an empty one counts as unset.
    fn settings(&self) -> anyhow::Result<Option<Settings>> {
        let given = |text: &'_ Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let Some(issuer) = given(&self.oidc_issuer) else { return Ok(None) };
        let needed = |text: &'_ Option<String>, flag| given(text).ok_or(SettingsProblem::Missing(flag));
        let client = needed(&self.oidc_client_id, "--oidc-client-id")?;
        let public = needed(&self.public_url, "--public-url")?;
        let words = self.oidc_role.iter().map(String::as_str).filter(|words| !words.trim().is_empty());
        let usual = |text: &String, usual: &str| {
            if text.trim().is_empty() { usual.to_owned() } else { text.clone() }
        };
        let rules = ClaimRules::new(
            usual(&self.oidc_roles_claim, "roles"),
            usual(&self.oidc_partner_claim, "partner"),
        );
        let scopes = self.oidc_scopes.iter().filter(|scope| !scope.is_empty()).cloned().collect();
        let mut settings = Settings::new(&issuer, &client, &public)?
            .with_rules(rules.with_words(words)?)
            .with_scopes(scopes);
        if let Some(audience) = given(&self.oidc_audience) {
            settings = settings.with_audience(audience);
        }
        if let Some(file) = self.oidc_client_secret_file.as_ref().filter(|file| !file.as_os_str().is_empty())
        {
            settings = settings.with_secret(&crate::store::secret_in(file)?)?;
        }
        Ok(Some(settings))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        asked: Asked,
    }

    fn way(line: &str, listen: &str) -> anyhow::Result<SignIn> {
        let line = Line::try_parse_from(["serve"].into_iter().chain(line.split_whitespace()))?;
        line.asked.way(listen.parse()?)
    }

    #[test]
    fn without_an_issuer_this_computer_alone_is_answered() {
        assert!(matches!(way("", "127.0.0.1:8080").unwrap(), SignIn::Development(_)));
        assert!(matches!(way("--oidc-client-id a", "127.0.0.1:8080").unwrap(), SignIn::Development(_)));
        let refusal = way("", "0.0.0.0:8080").err().unwrap().to_string();
        assert!(refusal.starts_with("Without a sign-in provider the server listens on this computer only"));
    }

    #[test]
    fn naming_an_issuer_ends_the_development_mode() {
        let line = "--oidc-issuer https://id.example.org --oidc-client-id a --public-url https://sbs.example.org \
                    --oidc-role Commissioning=commissioner;Money=finance";
        let SignIn::Provider(provider) = way(line, "0.0.0.0:8080").unwrap() else {
            panic!("a provider is named")
        };
        assert_eq!(provider.settings().public_url(), "https://sbs.example.org");
    }

    #[test]
    fn what_is_missing_is_told() {
        let told = |line: &str| way(line, "127.0.0.1:8080").err().unwrap().to_string();
        let issuer = "--oidc-issuer https://id.example.org";
        assert_eq!(
            told(issuer),
            "A provider is named with --oidc-issuer, so --oidc-client-id is needed too."
        );
        assert!(told(&format!("{issuer} --oidc-client-id a")).contains("--public-url"));
        let plain =
            "--oidc-issuer http://id.example.org --oidc-client-id a --public-url https://sbs.example.org";
        assert!(told(plain).contains("use https"));
        let secret = format!(
            "{issuer} --oidc-client-id a --public-url https://sbs.example.org --oidc-client-secret-file"
        );
        assert!(told(&format!("{secret} /nonexistent/secret")).contains("/nonexistent/secret"));
    }
}
