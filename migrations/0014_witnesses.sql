-- Witnesses: what others signed of our checkpoints. Each says that it saw a checkpoint go on from the one before, at a
-- time; what was signed is never changed, and the same checkpoint may be signed again later.
CREATE TABLE seal.cosignature (
    size        bigint      NOT NULL REFERENCES seal.checkpoint,
    witness     text        NOT NULL CHECK (witness <> ''),
    cosigned_at timestamptz NOT NULL,
    line        text        NOT NULL CHECK (line <> ''),
    stored_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (size, witness, cosigned_at)
);
COMMENT ON TABLE seal.cosignature IS 'A C2SP tlog-cosignature per row: the verifier key of the witness, when it saw the checkpoint, and its signature line.';
CREATE INDEX cosignature_of_witness ON seal.cosignature (witness, size, cosigned_at);

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON seal.cosignature
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON seal.cosignature
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
ALTER TABLE seal.cosignature ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE seal.cosignature ENABLE ALWAYS TRIGGER refuse_truncate;

REVOKE ALL ON seal.cosignature FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_sealer') THEN
        GRANT SELECT, INSERT ON seal.cosignature TO sidebyside_sealer;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT SELECT ON seal.cosignature TO sidebyside_app;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_auditor') THEN
        GRANT SELECT ON seal.cosignature TO sidebyside_auditor;
    END IF;
END
$$;
