-- Finding a person again without saying who they are, and forgetting them for good.

-- Equality search: a keyed hash of what somebody can be found by stands beside the item it was made from, and goes with
-- it. The key of the hash follows from the master key, so the database alone cannot try numbers out.
ALTER TABLE vault.item ADD COLUMN marks bytea[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN vault.item.marks IS 'HMAC-SHA256 of what the item can be found by: equal terms have equal marks.';
CREATE INDEX item_marks ON vault.item USING gin (marks);

-- To look somebody up is to read, whether or not anything was found; what was looked for is not kept.
ALTER TABLE vault.reading ADD COLUMN act text COLLATE "C" NOT NULL DEFAULT 'opened' CHECK (act IN ('opened', 'searched'));

-- How far each forgetting has come. A vault that was restored from before it has no row, and it is done again.
CREATE TABLE vault.erasure (
    subject      uuid        PRIMARY KEY,
    items        integer     NOT NULL CHECK (items >= 0),
    forgotten_at timestamptz NOT NULL,
    rewritten_at timestamptz
);
COMMENT ON TABLE vault.erasure IS 'Subjects whose key and items are destroyed, and when the tables were last written anew without them.';

-- The log says who is to be forgotten: found without reading the whole of it.
CREATE INDEX events_erased ON public.events (aggregate_id) WHERE event_type = 'person.erased';

-- Nothing is sealed for somebody who is forgotten. Whoever was faster is waited for by the lock in destroy().
CREATE FUNCTION vault.refuse_forgotten() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF EXISTS (SELECT FROM vault.erasure WHERE subject = NEW.subject) THEN
        RAISE EXCEPTION 'subject % is forgotten', NEW.subject USING ERRCODE = 'V0410';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_forgotten BEFORE INSERT ON vault.subject_key
    FOR EACH ROW EXECUTE FUNCTION vault.refuse_forgotten();

-- Destroy the items and the key of a subject. For the owner, such as a restore that brings a list of its own.
-- Says how many items are gone, of this time and times before.
CREATE FUNCTION vault.destroy(forgotten uuid) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS
$$
DECLARE
    gone integer;
    keys integer;
    total integer;
BEGIN
    LOCK TABLE vault.subject_key, vault.item IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM vault.item WHERE subject = forgotten;
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM vault.subject_key WHERE subject = forgotten;
    GET DIAGNOSTICS keys = ROW_COUNT;
    INSERT INTO vault.erasure AS known (subject, items, forgotten_at) VALUES (forgotten, gone, now())
        ON CONFLICT (subject) DO UPDATE SET
            items = greatest(known.items, gone),
            forgotten_at = CASE WHEN gone + keys > 0 THEN now() ELSE known.forgotten_at END,
            rewritten_at = CASE WHEN gone + keys > 0 THEN NULL ELSE known.rewritten_at END
        RETURNING items INTO STRICT total;
    RETURN total;
END
$$;

-- The app may not delete keys. It may have one destroyed when the log says that its subject is forgotten, so that a
-- fault of ours cannot lose anybody else's.
CREATE FUNCTION vault.forget(forgotten uuid) RETURNS integer
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF NOT EXISTS (SELECT FROM public.events
                   WHERE event_type = 'person.erased' AND aggregate_type = 'person' AND aggregate_id = forgotten::text) THEN
        RAISE EXCEPTION 'the log does not say that subject % is forgotten', forgotten
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN vault.destroy(forgotten);
END
$$;

-- A deleted row stays in the file of its table, after VACUUM as well. So the tables are written anew from the rows that
-- stand, into new files, and the old files are removed. Not by VACUUM FULL, which the app could not run and which takes
-- deleted rows along as long as an older transaction is open anywhere: a change of type (to the same one) copies what is
-- visible and nothing else. Readers wait; where one is in the way too long, it is tried again.
CREATE FUNCTION vault.write_anew() RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS
$$
BEGIN
    LOCK TABLE vault.subject_key, vault.item IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE vault.subject_key ALTER COLUMN made_at TYPE timestamptz USING made_at + interval '0';
    ALTER TABLE vault.item ALTER COLUMN made_at TYPE timestamptz USING made_at + interval '0';
    UPDATE vault.erasure SET rewritten_at = now() WHERE rewritten_at IS NULL;
END
$$;

-- The readings as the auditor sees them through the app: which item, never whose.
CREATE FUNCTION vault.readings(before bigint, most bigint)
    RETURNS TABLE (reading bigint, item uuid, kind text, act text, person uuid, role text, why text, read_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
    SELECT one.reading, one.item, one.kind, one.act, one.person, one.role, one.why, one.read_at
    FROM vault.reading AS one WHERE before IS NULL OR one.reading < before
    ORDER BY one.reading DESC LIMIT most
$$;

-- How long what is kept about a person may be kept after the last that happened. A policy of the house: change the row.
CREATE TABLE vault.retention (
    kind   text COLLATE "C" PRIMARY KEY,
    months integer          NOT NULL CHECK (months BETWEEN 1 AND 600),
    basis  text             NOT NULL CHECK (btrim(basis) <> '')
);
COMMENT ON TABLE vault.retention IS 'Months after the last event about a subject of a kind; then somebody is asked to forget it.';
INSERT INTO vault.retention VALUES ('person', 36, 'Three years after the last talk, referral or prescription.');

REVOKE ALL ON vault.erasure, vault.retention FROM PUBLIC;
REVOKE ALL ON FUNCTION vault.refuse_forgotten(), vault.destroy(uuid), vault.forget(uuid), vault.write_anew(),
    vault.readings(bigint, bigint) FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT SELECT ON vault.erasure, vault.retention TO sidebyside_app;
        GRANT EXECUTE ON FUNCTION vault.forget(uuid), vault.write_anew(), vault.readings(bigint, bigint) TO sidebyside_app;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_auditor') THEN
        GRANT SELECT ON vault.erasure, vault.retention TO sidebyside_auditor;
    END IF;
END
$$;
