-- Seals: signed heads of the tree over all leaves. What was signed is never changed, and no size is signed twice.
CREATE SCHEMA seal;

CREATE TABLE seal.checkpoint (
    size      bigint      PRIMARY KEY CHECK (size > 0),
    root      bytea       NOT NULL CHECK (octet_length(root) = 32),
    note      text        NOT NULL CHECK (note <> ''),
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE seal.checkpoint IS 'A C2SP tlog-checkpoint per row: how many events there were and the RFC 6962 root over their leaves, signed.';

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON seal.checkpoint
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON seal.checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
ALTER TABLE seal.checkpoint ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE seal.checkpoint ENABLE ALWAYS TRIGGER refuse_truncate;

REVOKE ALL ON seal.checkpoint FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_sealer') THEN
        GRANT USAGE ON SCHEMA seal TO sidebyside_sealer;
        GRANT SELECT, INSERT ON seal.checkpoint TO sidebyside_sealer;
    END IF;
    -- The app shows what was sealed; it cannot seal.
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT USAGE ON SCHEMA seal TO sidebyside_app;
        GRANT SELECT ON seal.checkpoint TO sidebyside_app;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_auditor') THEN
        GRANT USAGE ON SCHEMA seal TO sidebyside_auditor;
        GRANT SELECT ON seal.checkpoint TO sidebyside_auditor;
    END IF;
END
$$;
