-- A restore declares itself. What it has to say stands here in the transaction that brings the rows back, so that a
-- crash leaves no record that was restored and does not say so: the next start records it before anybody is let in.
CREATE TABLE seal.restore (
    command   uuid        PRIMARY KEY,
    declared  json        NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE seal.restore IS 'What each restore of this record declares: the event record.restored of this command, and whom it forgets again.';

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON seal.restore
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON seal.restore
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
ALTER TABLE seal.restore ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE seal.restore ENABLE ALWAYS TRIGGER refuse_truncate;

REVOKE ALL ON seal.restore FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT SELECT ON seal.restore TO sidebyside_app;
    END IF;
END
$$;
