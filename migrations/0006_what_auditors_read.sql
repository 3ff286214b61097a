-- Auditors read who opened what in the vault, when and why; not whom it was about. The role had the whole row before.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_auditor') THEN
        REVOKE SELECT ON vault.reading FROM sidebyside_auditor;
        GRANT SELECT (reading, item, kind, person, role, why, read_at, act) ON vault.reading TO sidebyside_auditor;
    END IF;
END
$$;
