-- When somebody was last here, so that their home can say what has moved since.
ALTER TABLE auth.account
    ADD COLUMN here_at     timestamptz,
    ADD COLUMN before_then timestamptz CHECK (before_then <= here_at);
COMMENT ON COLUMN auth.account.here_at IS 'When they last looked at their home.';
COMMENT ON COLUMN auth.account.before_then IS 'When they last did in the visit before this one.';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT UPDATE (here_at, before_then) ON auth.account TO sidebyside_app;
    END IF;
END
$$;
