//! Tokens that scripts bring: what they are good for, and every one that is not.

use super::*;

impl Place {
    async fn with_token(&self, token: &str, document: &str) -> Answer {
        self.graphql(&[("authorization", &format!("Bearer {token}"))], document).await
    }

    /// Ask with the token of these claims, signed so.
    async fn with_claims(&self, signed: Signed, claims: Value) -> Answer {
        self.with_token(&self.provider.access_token(signed, claims), "{ me person }").await
    }
}

const CHALLENGE: &str = "Bearer error=\"invalid_token\"";

#[tokio::test]
async fn a_token_stands_for_its_subject() {
    let place = Place::open().await;
    let answer = place.with_claims(Signed::Well, json!({})).await;
    assert_eq!(answer.json()["data"]["me"], "Somebody without a name as finance", "{}", answer.body);
    let named = place.with_claims(Signed::Well, json!({ "sub": "amina-1", "name": "Amina Example" })).await;
    assert_eq!(named.json()["data"]["me"], "Amina Example as finance");
    let (_, person) = place.me(&place.sign_in(amina()).await).await;
    assert_eq!(
        named.json()["data"]["person"],
        person.as_str(),
        "the same person in a browser and by a token"
    );
    let nameless = place.with_claims(Signed::Well, json!({ "sub": "amina-1" })).await;
    assert_eq!(
        nameless.json()["data"]["me"],
        "Amina Example as finance",
        "a token that gives no name takes none away"
    );
    let audiences = json!({ "aud": ["https://other.example", HERE] });
    assert_eq!(place.with_claims(Signed::Well, audiences).await.status, StatusCode::OK);
}

#[tokio::test]
async fn each_token_that_is_not_good_is_told_why() {
    let place = Place::open().await;
    let cases: [(&str, Signed, Value, &str); 15] = [
        ("alg none", Signed::Not, json!({}), "token.algorithm"),
        ("HS256 with the public key", Signed::WithThePublicKey, json!({}), "token.algorithm"),
        ("HS256 with the client's secret", Signed::WithTheSecret, json!({}), "token.algorithm"),
        ("another key under this id", Signed::ByAnother, json!({}), "token.signature"),
        ("an unknown key", Signed::ByUnknown, json!({}), "token.unknown_key"),
        ("expired", Signed::Well, json!({ "exp": now() - 60 }), "token.expired"),
        ("without an end", Signed::Well, json!({ "exp": null }), "token.claims"),
        ("an end in words", Signed::Well, json!({ "exp": "never" }), "token.claims"),
        ("not yet", Signed::Well, json!({ "nbf": now() + 120 }), "token.not_yet"),
        ("another issuer", Signed::Well, json!({ "iss": "https://id.example" }), "token.issuer"),
        ("without an issuer", Signed::Well, json!({ "iss": null }), "token.claims"),
        ("another audience", Signed::Well, json!({ "aud": "https://other.example" }), "token.audience"),
        ("an identity token", Signed::Well, json!({ "aud": CLIENT, "scope": null }), "token.audience"),
        ("without an audience", Signed::Well, json!({ "aud": null }), "token.claims"),
        ("without a subject", Signed::Well, json!({ "sub": null }), "token.claims"),
    ];
    for (what, signed, claims, code) in cases {
        let answer = place.with_claims(signed, claims).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, code), "{what}");
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), CHALLENGE, "{what}");
        assert!(
            answer.json()["errors"][0]["message"].as_str().is_some_and(|sentence| sentence.ends_with('.'))
        );
    }
    assert_eq!(place.count("auth.account").await, 0, "nobody is known by any of them");
}

#[tokio::test]
async fn what_is_no_token_is_told_so() {
    let place = Place::open().await;
    let good = place.provider.access_token(Signed::Well, json!({}));
    let (rest, signature) = good.rsplit_once('.').unwrap();
    let (head, claims) = rest.split_once('.').unwrap();
    let other = place.provider.access_token(Signed::Well, json!({ "roles": ["auditor"] }));
    let other_claims = other.split('.').nth(1).unwrap();
    for (authorization, code) in [
        ("Bearer".to_owned(), "token.unreadable"),
        ("Bearer ".to_owned(), "token.unreadable"),
        (format!("Basic {good}"), "token.unreadable"),
        (good.clone(), "token.unreadable"),
        ("Bearer a.b.c".to_owned(), "token.unreadable"),
        (format!("Bearer {head}.{claims}"), "token.unreadable"),
        (format!("Bearer {good}.{signature}"), "token.unreadable"),
        (format!("Bearer {head}.{claims}."), "token.signature"),
        (format!("Bearer {head}.{other_claims}.{signature}"), "token.signature"),
        (format!("Bearer {}", "a.".repeat(20_000)), "token.unreadable"),
    ] {
        let answer = place.graphql(&[("authorization", &authorization)], "{ me }").await;
        let shown: String = authorization.chars().take(30).collect();
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, code), "{shown}");
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), CHALLENGE, "{shown}");
    }
    assert_eq!(place.with_token(&good, "{ me }").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_is_good_for_what_its_scopes_say() {
    let place = Place::open().await;
    let token = |scope: &str| place.provider.access_token(Signed::Well, json!({ "scope": scope }));
    let (read, write) = (token("sidebyside:read"), token("openid sidebyside:write"));
    let both = token("sidebyside:read sidebyside:write");
    for (token, document, is_good) in [
        (&read, "{ me }", true),
        (&read, "mutation { act }", false),
        (&write, "{ me }", false),
        (&write, "mutation { act }", true),
        (&both, "{ me }", true),
        (&both, "mutation { act }", true),
        (&token("openid"), "{ me }", false),
    ] {
        let answer = place.with_token(token, document).await;
        if is_good {
            assert_eq!(answer.status, StatusCode::OK, "{document}: {}", answer.body);
            assert!(answer.json().get("errors").is_none());
        } else {
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (StatusCode::FORBIDDEN, "token.scope"),
                "{document}"
            );
            let needed = if document.starts_with('{') { "sidebyside:read" } else { "sidebyside:write" };
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"");
            assert_eq!(answer.header(header::WWW_AUTHENTICATE), challenge);
        }
    }
    let none = place.with_claims(Signed::Well, json!({ "scope": null })).await;
    assert_eq!(none.code(), "token.scope", "an identity token has no scope, and is good for nothing");
    let bearer = format!("Bearer {read}");
    let posted = place.send(Method::POST, "/funds/open", &[("authorization", &bearer)], "input.name=A").await;
    assert_eq!(posted.status, StatusCode::FORBIDDEN, "nor does a page's form take what the API would not");
}

#[tokio::test]
async fn a_token_has_the_roles_of_its_claims() {
    let place = Place::open().await;
    let claims = json!({ "roles": ["partner_worker", "advisor"], "partner": PARTNER });
    let bearer = format!("Bearer {}", place.provider.access_token(Signed::Well, claims));
    let me = async |role: &[(&str, &str)]| {
        place.graphql(&[&[("authorization", bearer.as_str())][..], role].concat(), "{ me }").await
    };
    let unsaid = me(&[]).await;
    assert_eq!((unsaid.status, unsaid.code().as_str()), (StatusCode::BAD_REQUEST, "acting.role_required"));
    let worker = me(&[("acting-role", "partner_worker")]).await.json();
    assert_eq!(worker["data"]["me"], format!("Somebody without a name as partner_worker for {PARTNER}"));
    for other in [("acting-role", "finance"), ("acting-partner", "0198c2f4-5b1e-7c3a-9d44-000000000000")] {
        let refused = me(&[other]).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::FORBIDDEN, "acting.not_yours"),
            "{other:?}"
        );
    }
    let none = place.with_claims(Signed::Well, json!({ "roles": [] })).await;
    assert_eq!((none.status, none.code().as_str()), (StatusCode::FORBIDDEN, "sign_in.no_role"));
}

#[tokio::test]
async fn new_keys_are_fetched_but_not_for_everybody_who_invents_one() {
    let place = Place::open().await;
    assert_eq!(place.with_claims(Signed::Well, json!({})).await.status, StatusCode::OK);
    for _ in 0..5 {
        assert_eq!(place.with_claims(Signed::ByUnknown, json!({})).await.code(), "token.unknown_key");
    }
    assert_eq!(place.provider.keys_asked(), 1, "the keys were asked for a moment ago");

    let patient = Place { router: Place::start(settings(&place.provider), &place.pool, later()), ..place };
    patient.sign_in(amina()).await;
    let asked = patient.provider.keys_asked();
    let old = patient.provider.access_token(Signed::Well, json!({}));
    patient.provider.changes_its_key();
    assert_eq!(
        patient.with_claims(Signed::Well, json!({})).await.status,
        StatusCode::OK,
        "the new key is found"
    );
    assert_eq!(patient.provider.keys_asked(), asked + 1);
    patient.sign_in(amina()).await;
    assert_eq!(patient.with_token(&old, "{ me }").await.code(), "token.unknown_key", "the old one is gone");
    patient.provider.changes_its_key();
    patient.sign_in(amina()).await;
}
