-- Signing in with a provider: whom its accounts stand for, who is signed in, and who is about to be.

-- An account of the development mode is known by its name; one of a provider by the issuer and the subject it gives.
ALTER TABLE auth.account
    ADD COLUMN issuer text,
    ADD COLUMN subject text CHECK (char_length(subject) BETWEEN 1 AND 255),
    ADD CONSTRAINT account_known_by CHECK (
        (issuer IS NULL) = development AND (subject IS NULL) = development);
CREATE UNIQUE INDEX account_of_provider ON auth.account (issuer, subject) WHERE NOT development;

-- Who is signed in. The browser has the secret, the table only its hash: whoever copies the table signs in as nobody.
CREATE TABLE auth.session (
    key        bytea       PRIMARY KEY CHECK (octet_length(key) = 32),
    person_id  uuid        NOT NULL REFERENCES auth.account,
    role       text        NOT NULL,
    partner_id uuid,
    choices    jsonb       NOT NULL,
    began_at   timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE auth.session IS 'Who is signed in, as what, and as what else they may act.';

-- A sign-in that was begun and has not come back from the provider. Each is good once, for ten minutes.
CREATE TABLE auth.attempt (
    state    bytea       PRIMARY KEY CHECK (octet_length(state) = 32),
    browser  bytea       NOT NULL CHECK (octet_length(browser) = 32),
    nonce    text        NOT NULL,
    verifier text        NOT NULL,
    next     text        NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE auth.attempt IS 'Sign-ins that were begun: hashes of state and of the browser''s cookie, and what proves them.';
CREATE INDEX attempt_begun ON auth.attempt (begun_at);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT UPDATE (display_name) ON auth.account TO sidebyside_app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON auth.session TO sidebyside_app;
        GRANT SELECT, INSERT, DELETE ON auth.attempt TO sidebyside_app;
    END IF;
END
$$;
