-- The vault: details that may not be in the log. What stands here is encrypted before it comes; the master key is never here.
CREATE SCHEMA vault;

CREATE TABLE vault.subject_key (
    subject uuid        PRIMARY KEY,
    wrapped bytea       NOT NULL CHECK (octet_length(wrapped) = 48),
    nonce   bytea       NOT NULL CHECK (octet_length(nonce) = 24),
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vault.subject_key IS 'One random key per subject, wrapped by the master key. Without it the items of the subject are noise.';

CREATE TABLE vault.item (
    item       uuid             PRIMARY KEY,
    subject    uuid             NOT NULL REFERENCES vault.subject_key,
    kind       text COLLATE "C" NOT NULL CHECK (kind <> ''),
    salt       bytea            NOT NULL CHECK (octet_length(salt) = 32),
    nonce      bytea            NOT NULL CHECK (octet_length(nonce) = 24),
    ciphertext bytea            NOT NULL CHECK (octet_length(ciphertext) >= 16),
    made_at    timestamptz      NOT NULL DEFAULT now()
);
COMMENT ON TABLE vault.item IS 'Sealed texts. An event names one by its item and holds SHA-256(separator || item || salt || text).';
COMMENT ON COLUMN vault.item.ciphertext IS 'XChaCha20-Poly1305 under the subject''s key, bound to item, subject and kind.';
-- All items of a subject are found when it is to be forgotten.
CREATE INDEX item_subject ON vault.item (subject);

-- No reference to the item: that it was read stays on the record when it is erased.
CREATE TABLE vault.reading (
    reading bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item    uuid             NOT NULL,
    subject uuid             NOT NULL,
    kind    text COLLATE "C" NOT NULL CHECK (kind <> ''),
    person  uuid             NOT NULL,
    role    text COLLATE "C" NOT NULL CHECK (role <> ''),
    why     text             NOT NULL CHECK (btrim(why) <> ''),
    read_at timestamptz      NOT NULL DEFAULT now()
);
COMMENT ON TABLE vault.reading IS 'Every read of an item: who, in what role, why, when. Written in the transaction that reads.';
CREATE INDEX reading_item ON vault.reading (item, read_at);

CREATE FUNCTION vault.refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RAISE EXCEPTION 'the readings of the vault are append only: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON vault.reading
    FOR EACH ROW EXECUTE FUNCTION vault.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON vault.reading
    FOR EACH STATEMENT EXECUTE FUNCTION vault.refuse_change();
ALTER TABLE vault.reading ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE vault.reading ENABLE ALWAYS TRIGGER refuse_truncate;

REVOKE ALL ON vault.subject_key, vault.item, vault.reading FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT USAGE ON SCHEMA vault TO sidebyside_app;
        GRANT SELECT, INSERT ON vault.subject_key TO sidebyside_app;
        -- DELETE is for an item whose event was refused.
        GRANT SELECT, INSERT, DELETE ON vault.item TO sidebyside_app;
        GRANT INSERT ON vault.reading TO sidebyside_app;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_auditor') THEN
        GRANT USAGE ON SCHEMA vault TO sidebyside_auditor;
        GRANT SELECT ON vault.reading TO sidebyside_auditor;
    END IF;
END
$$;
