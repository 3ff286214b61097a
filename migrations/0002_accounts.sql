-- Accounts: the one place that knows which person an opaque id in the log stands for.
CREATE SCHEMA auth;
CREATE TABLE auth.account (
    person_id    uuid        PRIMARY KEY,
    display_name text        NOT NULL
        CHECK (char_length(display_name) BETWEEN 1 AND 80 AND display_name = btrim(display_name)),
    development  boolean     NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE auth.account IS 'People who act. Names live here and never in the log.';
-- Accounts of the development mode are known by name; those of a provider may share one.
CREATE UNIQUE INDEX account_development_name ON auth.account (lower(display_name)) WHERE development;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT USAGE ON SCHEMA auth TO sidebyside_app;
        GRANT SELECT, INSERT ON auth.account TO sidebyside_app;
    END IF;
END
$$;
