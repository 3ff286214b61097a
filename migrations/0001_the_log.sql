-- The log: one table of events, append only, hashed from its first row on.
--
-- The first seven columns are those of postgres-es, so that stock postgres-es can load, append to and replay it.
-- The others are filled here when a writer does not name them. Names are qualified in functions, and the search
-- path of every function is fixed, so that nobody can slip another table or function underneath.

-- Roles. The embedded database has them already; elsewhere they are made if whoever migrates may make them.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['sidebyside_app', 'sidebyside_sealer', 'sidebyside_auditor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I', wanted);
                EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
            EXCEPTION WHEN insufficient_privilege THEN
                RAISE WARNING 'role % is missing and cannot be made here: ask the database administrator for it', wanted;
            END;
        END IF;
    END LOOP;
END
$$;

CREATE TABLE public.events (
    aggregate_type text COLLATE "C" NOT NULL CHECK (aggregate_type <> '' AND aggregate_type NOT LIKE '%-%'),
    aggregate_id   text COLLATE "C" NOT NULL CHECK (aggregate_id <> ''),
    sequence       bigint           NOT NULL CHECK (sequence >= 1),
    event_type     text COLLATE "C" NOT NULL CHECK (event_type <> ''),
    event_version  text COLLATE "C" NOT NULL CHECK (event_version <> ''),
    payload        json             NOT NULL,
    metadata       json             NOT NULL,
    index          bigint           NOT NULL CHECK (index >= 0),
    event_id       uuid             NOT NULL,
    recorded_at    timestamptz      NOT NULL,
    effective_on   date             NOT NULL,
    nonce          text COLLATE "C" NOT NULL CHECK (nonce ~ '^[0-9a-f]{32}$'),
    leaf_hash      bytea            NOT NULL CHECK (octet_length(leaf_hash) = 32),
    command_id     uuid,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence),
    CONSTRAINT events_index_key UNIQUE (index),
    -- The leaf covers the metadata: so it covers these columns as well.
    CONSTRAINT events_columns_repeat_metadata CHECK (
        (metadata ->> 'event_id')::uuid IS NOT DISTINCT FROM event_id
        AND (metadata ->> 'effective_on')::date IS NOT DISTINCT FROM effective_on
        AND nullif(metadata ->> 'command_id', '')::uuid IS NOT DISTINCT FROM command_id)
);
COMMENT ON TABLE public.events IS 'Every fact, once, for ever. index = position = commit order = Merkle leaf index, dense from 0.';

-- Time rises with the index, so a block range index finds a period; who acted is asked for often.
CREATE INDEX events_recorded_at ON public.events USING brin (recorded_at) WITH (pages_per_range = 32);
CREATE INDEX events_actor ON public.events ((metadata ->> 'actor'), index);

-- Where the log ends. Locked for the append only: position order = commit order, no gaps, rising time.
CREATE TABLE public.log_head (
    only_row         boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (only_row),
    size             bigint      NOT NULL CHECK (size >= 0),
    last_recorded_at timestamptz NOT NULL,
    origin           uuid        NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE public.log_head IS 'One row: how many events there are, when the last was recorded, and which log this is.';
INSERT INTO public.log_head (size, last_recorded_at, origin) VALUES (0, '2000-01-01T00:00:00Z', gen_random_uuid());

-- RFC 8785 text of a JSON value, for the values this log takes: whole numbers below 2^53, no key twice.
CREATE FUNCTION public.canonical_json(value json) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    CASE json_typeof(value)
        WHEN 'object' THEN
            IF (SELECT count(*) <> count(DISTINCT key) FROM json_each(value)) THEN
                RAISE EXCEPTION 'a JSON object holds a key twice' USING ERRCODE = 'invalid_parameter_value';
            END IF;
            IF EXISTS (SELECT FROM json_each(value) WHERE key ~ ('[' || chr(65536) || '-' || chr(1114111) || ']')) THEN
                -- RFC 8785 orders keys by UTF-16, which differs from the order of code points up there only.
                RAISE EXCEPTION 'the log takes no key with characters beyond U+FFFF'
                    USING ERRCODE = 'invalid_parameter_value';
            END IF;
            RETURN (SELECT '{' || coalesce(string_agg(to_json(key)::text || ':' || public.canonical_json(each.value), ','
                                           ORDER BY key COLLATE "C"), '') || '}'
                    FROM json_each(value) AS each);
        WHEN 'array' THEN
            RETURN (SELECT '[' || coalesce(string_agg(public.canonical_json(element), ',' ORDER BY place), '') || ']'
                    FROM json_array_elements(value) WITH ORDINALITY AS item (element, place));
        WHEN 'string' THEN
            RETURN to_json(value #>> '{}')::text;
        WHEN 'number' THEN
            IF value::text !~ '^(0|-?[1-9][0-9]{0,15})$' OR abs(value::text::numeric) >= 9007199254740992 THEN
                RAISE EXCEPTION 'the log takes whole numbers below 2^53 only, not %', value::text
                    USING ERRCODE = 'invalid_parameter_value';
            END IF;
            RETURN value::text;
        ELSE
            RETURN btrim(value::text, E' \t\n\r');
    END CASE;
END
$$;

-- Leaf v1: SHA-256(0x00 || header), header and body in RFC 8785. Written a second time in Rust, which checks it.
CREATE FUNCTION public.leaf_v1(entry public.events) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT sha256(decode('00', 'hex') || convert_to(
        '{"aggregate_id":' || to_json(entry.aggregate_id)::text
        || ',"aggregate_type":' || to_json(entry.aggregate_type)::text
        || ',"body_hash":"' || encode(sha256(convert_to(
               '{"metadata":' || public.canonical_json(entry.metadata)
               || ',"nonce":"' || entry.nonce
               || '","payload":' || public.canonical_json(entry.payload) || '}', 'UTF8')), 'hex')
        || '","event_type":' || to_json(entry.event_type)::text
        || ',"event_version":' || to_json(entry.event_version)::text
        || ',"index":' || entry.index
        || ',"recorded_at":"' || to_char(entry.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '","sequence":' || entry.sequence || ',"v":1}', 'UTF8'))
$$;

-- Lock the end of the log until the transaction ends, and say where it is and what time the log has.
CREATE FUNCTION public.lock_log_head(OUT size bigint, OUT last_recorded_at timestamptz, OUT now timestamptz)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    SELECT head.size, head.last_recorded_at INTO STRICT size, last_recorded_at
        FROM public.log_head AS head FOR UPDATE;
    now := clock_timestamp();
END
$$;

-- A writer that does not hash (stock postgres-es) has its row stamped: position, time, nonce, leaf. The head is locked
-- here and moved when the statement is done, so that a row that ON CONFLICT leaves out takes no place.
CREATE FUNCTION public.stamp_event() RETURNS trigger
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS
$$
DECLARE
    head record;
    last record;
    added json;
BEGIN
    SELECT size, last_recorded_at INTO STRICT head FROM public.log_head FOR UPDATE;
    SELECT index, recorded_at INTO last FROM public.events ORDER BY index DESC LIMIT 1;
    NEW.index := coalesce(last.index + 1, 0);
    NEW.recorded_at := greatest(clock_timestamp(),
                                greatest(head.last_recorded_at, last.recorded_at) + interval '1 microsecond');
    NEW.event_id := coalesce(nullif(NEW.metadata ->> 'event_id', '')::uuid, gen_random_uuid());
    NEW.effective_on := coalesce(nullif(NEW.metadata ->> 'effective_on', '')::date,
                                 (NEW.recorded_at AT TIME ZONE 'Europe/London')::date);
    NEW.command_id := nullif(NEW.metadata ->> 'command_id', '')::uuid;
    NEW.nonce := replace(gen_random_uuid()::text, '-', '');
    SELECT json_object_agg(key, value) INTO added FROM (
        SELECT key, value FROM json_each(NEW.metadata) WHERE key NOT IN ('event_id', 'effective_on')
        UNION ALL SELECT 'event_id', to_json(NEW.event_id::text)
        UNION ALL SELECT 'effective_on', to_json(NEW.effective_on::text)) AS entries;
    NEW.metadata := public.canonical_json(added)::json;
    NEW.payload := public.canonical_json(NEW.payload)::json;
    NEW.leaf_hash := public.leaf_v1(NEW);
    RETURN NEW;
END
$$;
CREATE TRIGGER stamp_event BEFORE INSERT ON public.events
    FOR EACH ROW WHEN (NEW.leaf_hash IS NULL) EXECUTE FUNCTION public.stamp_event();

-- Every statement that appends is checked against the head and moves it: nobody can leave a gap, take a place twice
-- or write another time than now.
CREATE FUNCTION public.move_log_head() RETURNS trigger
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    batch record;
    head record;
BEGIN
    SELECT count(*) AS events, min(index) AS first, max(index) AS last, min(recorded_at) AS earliest,
           max(recorded_at) AS latest, bool_and(in_order) AS in_order INTO STRICT batch
        FROM (SELECT index, recorded_at,
                     recorded_at > lag(recorded_at, 1, '-infinity') OVER (ORDER BY index) AS in_order
              FROM added) AS numbered;
    IF batch.events = 0 THEN
        RETURN NULL;
    END IF;
    SELECT size, last_recorded_at INTO STRICT head FROM public.log_head FOR UPDATE;
    IF batch.events <> batch.last - batch.first + 1 THEN
        RAISE EXCEPTION 'the appended events leave a gap' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF batch.first <> head.size THEN
        RAISE EXCEPTION 'the next event has index %, not %', head.size, batch.first
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT batch.in_order OR batch.earliest <= head.last_recorded_at
        OR batch.earliest < clock_timestamp() - interval '1 minute'
        OR batch.latest > greatest(clock_timestamp() + interval '1 second',
                                   head.last_recorded_at + batch.events * interval '1 microsecond') THEN
        RAISE EXCEPTION 'recorded_at must be now and rise with the index'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM added AS next WHERE next.sequence > 1 AND NOT EXISTS (
                   SELECT FROM public.events AS previous
                   WHERE previous.aggregate_type = next.aggregate_type
                       AND previous.aggregate_id = next.aggregate_id AND previous.sequence = next.sequence - 1
                   OFFSET 0)) THEN
        RAISE EXCEPTION 'a stream leaves a gap' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    UPDATE public.log_head SET size = batch.last + 1, last_recorded_at = batch.latest;
    RETURN NULL;
END
$$;
CREATE TRIGGER move_log_head AFTER INSERT ON public.events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.move_log_head();

-- Nothing recorded is changed or taken away, whoever asks.
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RAISE EXCEPTION 'the log is append only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'A mistake is put right by a later event that names what it corrects.';
END
$$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON public.events
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.events
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE FUNCTION public.guard_log_head() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF NEW.size <= OLD.size OR NEW.last_recorded_at <= OLD.last_recorded_at OR NEW.origin <> OLD.origin THEN
        RAISE EXCEPTION 'the head of the log only moves forward' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (NEW.size - 1, NEW.last_recorded_at) IS DISTINCT FROM
        (SELECT (index, recorded_at) FROM public.events ORDER BY index DESC LIMIT 1) THEN
        RAISE EXCEPTION 'the head of the log stands where its last event is' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_log_head BEFORE UPDATE ON public.log_head
    FOR EACH ROW EXECUTE FUNCTION public.guard_log_head();
CREATE TRIGGER refuse_delete BEFORE DELETE ON public.log_head
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.log_head
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

-- The guards hold in replication mode as well.
ALTER TABLE public.events ENABLE ALWAYS TRIGGER stamp_event;
ALTER TABLE public.events ENABLE ALWAYS TRIGGER move_log_head;
ALTER TABLE public.events ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE public.events ENABLE ALWAYS TRIGGER refuse_truncate;
ALTER TABLE public.log_head ENABLE ALWAYS TRIGGER guard_log_head;
ALTER TABLE public.log_head ENABLE ALWAYS TRIGGER refuse_delete;
ALTER TABLE public.log_head ENABLE ALWAYS TRIGGER refuse_truncate;

-- Human references: a number is given once and never again, also when the command that asked for it was refused.
CREATE TABLE public.reference_counter (
    kind text COLLATE "C" NOT NULL,
    year integer          NOT NULL,
    last bigint           NOT NULL CHECK (last >= 1),
    PRIMARY KEY (kind, year)
);

CREATE FUNCTION public.guard_reference_counter() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF NEW.last <= OLD.last OR NEW.kind <> OLD.kind OR NEW.year <> OLD.year THEN
        RAISE EXCEPTION 'a reference is never given twice' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_reference_counter BEFORE UPDATE ON public.reference_counter
    FOR EACH ROW EXECUTE FUNCTION public.guard_reference_counter();
CREATE TRIGGER refuse_delete BEFORE DELETE ON public.reference_counter
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
ALTER TABLE public.reference_counter ENABLE ALWAYS TRIGGER guard_reference_counter;
ALTER TABLE public.reference_counter ENABLE ALWAYS TRIGGER refuse_delete;

-- The projections live in a schema of their own: all of it can be dropped and rebuilt from the log.
CREATE SCHEMA views;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON public.events, public.log_head, public.reference_counter FROM PUBLIC;
REVOKE ALL ON FUNCTION public.lock_log_head(), public.stamp_event(), public.move_log_head() FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT USAGE ON SCHEMA public, views TO sidebyside_app;
        GRANT SELECT, INSERT ON public.events TO sidebyside_app;
        GRANT SELECT ON public.log_head TO sidebyside_app;
        GRANT SELECT, INSERT, UPDATE ON public.reference_counter TO sidebyside_app;
        GRANT EXECUTE ON FUNCTION public.lock_log_head() TO sidebyside_app;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_auditor') THEN
        GRANT USAGE ON SCHEMA public, views TO sidebyside_auditor;
        GRANT SELECT ON public.events, public.log_head TO sidebyside_auditor;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_sealer') THEN
        GRANT USAGE ON SCHEMA public TO sidebyside_sealer;
        GRANT SELECT ON public.events, public.log_head TO sidebyside_sealer;
    END IF;
END
$$;
