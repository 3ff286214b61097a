-- What only an administrator of the database can give the log: that its guards stay up, whoever owns them. Run by a
-- superuser, in the database of the record, when the migrations have been run. The embedded database has it from its
-- start; docs/operating.md says how another gets it. A superuser is let through, for nothing stops one.

CREATE SCHEMA IF NOT EXISTS guard;
REVOKE ALL ON SCHEMA guard FROM PUBLIC;

-- The tables whose guards are kept up. Where there is none of the name, its line stays empty.
CREATE OR REPLACE FUNCTION guard.kept() RETURNS TABLE (relation oid)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT to_regclass(name)::oid FROM unnest(ARRAY['public.events', 'public.log_head', 'public.reference_counter',
        'seal.checkpoint', 'seal.cosignature', 'seal.restore', 'vault.reading']) AS name
$$;

-- Everything that guards them, as one value: owner and kind, columns, constraints, triggers and whether they fire, what
-- they run, rules, row security, what inherits.
CREATE OR REPLACE FUNCTION guard.standing() RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    WITH kept AS (SELECT relation FROM guard.kept()),
    fires AS (SELECT * FROM pg_trigger WHERE tgrelid IN (TABLE kept) AND NOT tgisinternal),
    runs AS (
        SELECT tgfoid AS function FROM fires
        UNION SELECT oid FROM pg_proc
        WHERE pronamespace = to_regnamespace('public')
            AND proname IN ('leaf_v1', 'canonical_json', 'lock_log_head', 'columns_repeat_metadata')),
    facts (fact) AS (
        SELECT concat_ws(' ', 'table', relation, relname, nspname, relowner, relkind, relpersistence, relrowsecurity,
                         relforcerowsecurity)
            FROM kept LEFT JOIN pg_class ON pg_class.oid = relation
            LEFT JOIN pg_namespace ON pg_namespace.oid = relnamespace
        UNION ALL SELECT concat_ws(' ', 'column', attrelid, attnum, attname, format_type(atttypid, atttypmod),
                                   attcollation, attnotnull, attgenerated, pg_get_expr(adbin, adrelid))
            FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
            WHERE attrelid IN (TABLE kept) AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT concat_ws(' ', 'constraint', conrelid, conname, convalidated, pg_get_constraintdef(oid))
            FROM pg_constraint WHERE conrelid IN (TABLE kept)
        UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid, tgenabled, pg_get_triggerdef(oid)) FROM fires
        UNION ALL SELECT concat_ws(' ', 'function', proowner, pg_get_functiondef(oid))
            FROM pg_proc WHERE oid IN (TABLE runs)
        UNION ALL SELECT concat_ws(' ', 'rule', ev_class, ev_enabled, pg_get_ruledef(oid))
            FROM pg_rewrite WHERE ev_class IN (TABLE kept)
        UNION ALL SELECT concat_ws(' ', 'policy', polrelid, polname)
            FROM pg_policy WHERE polrelid IN (TABLE kept)
        UNION ALL SELECT concat_ws(' ', 'heir', inhparent, inhrelid)
            FROM pg_inherits WHERE inhparent IN (TABLE kept) OR inhrelid IN (TABLE kept))
    SELECT md5(string_agg(fact, E'\n' ORDER BY fact COLLATE "C")) FROM facts
$$;

-- Guards that are down are not what is kept: each of these must be there and fire always.
DO $$
DECLARE
    down text;
BEGIN
    SELECT string_agg(format('%s of %s', fires, name), ', ' ORDER BY name, fires) INTO down
    FROM (VALUES
        ('public.events', 'stamp_event'), ('public.events', 'move_log_head'), ('public.events', 'refuse_change'),
        ('public.events', 'refuse_truncate'), ('public.log_head', 'guard_log_head'),
        ('public.log_head', 'refuse_delete'), ('public.log_head', 'refuse_truncate'),
        ('public.reference_counter', 'guard_reference_counter'), ('public.reference_counter', 'refuse_delete'),
        ('seal.checkpoint', 'refuse_change'), ('seal.checkpoint', 'refuse_truncate'),
        ('seal.cosignature', 'refuse_change'), ('seal.cosignature', 'refuse_truncate'),
        ('seal.restore', 'refuse_change'), ('seal.restore', 'refuse_truncate'),
        ('vault.reading', 'refuse_change'), ('vault.reading', 'refuse_truncate')) AS guards (name, fires)
    WHERE NOT EXISTS (SELECT FROM pg_trigger
        WHERE tgrelid = to_regclass(name) AND tgname = fires AND NOT tgisinternal AND tgenabled = 'A');
    IF down IS NOT NULL THEN
        RAISE EXCEPTION 'the guards of the log are down: %', down
            USING HINT = 'Find out who took them down, check the log, and put them up again first.';
    END IF;
END
$$;

-- What stood when the guards were told to stay up.
CREATE TABLE IF NOT EXISTS guard.held (
    only_row boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (only_row),
    standing text    NOT NULL
);
INSERT INTO guard.held (standing) VALUES (guard.standing())
    ON CONFLICT (only_row) DO UPDATE SET standing = EXCLUDED.standing;

CREATE OR REPLACE FUNCTION guard.is_administrator() RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT rolsuper FROM pg_roles WHERE rolname = session_user
$$;

CREATE OR REPLACE FUNCTION guard.hold() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF NOT guard.is_administrator() AND guard.standing() IS DISTINCT FROM (SELECT standing FROM guard.held) THEN
        RAISE EXCEPTION 'the guards of the log stay up: % is refused', tg_tag
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Only an administrator of the database can change them.';
    END IF;
END
$$;

-- A change of a column's type writes every row anew, past all triggers.
CREATE OR REPLACE FUNCTION guard.hold_rows() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF NOT guard.is_administrator() AND pg_event_trigger_table_rewrite_oid() IN (SELECT relation FROM guard.kept())
    THEN
        RAISE EXCEPTION 'the log is append only: % would write it anew', tg_tag
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Only an administrator of the database can do that.';
    END IF;
END
$$;

DROP EVENT TRIGGER IF EXISTS hold_guards;
DROP EVENT TRIGGER IF EXISTS hold_rows;
CREATE EVENT TRIGGER hold_guards ON ddl_command_end EXECUTE FUNCTION guard.hold();
CREATE EVENT TRIGGER hold_rows ON table_rewrite EXECUTE FUNCTION guard.hold_rows();
ALTER EVENT TRIGGER hold_guards ENABLE ALWAYS;
ALTER EVENT TRIGGER hold_rows ENABLE ALWAYS;
