-- The record as it stood: tables like those of the projections, which live in one session and end with it, and beside them
-- the log as it was. The app may make no temporary tables of its own, so that nothing of its making stands in the way of the
-- log; these are made for it, empty, by the owner, and only under the names of the projections.

CREATE FUNCTION public.stand_at(size bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    projection name;
BEGIN
    FOR projection IN
        SELECT relname FROM pg_catalog.pg_class
        WHERE relnamespace = 'views'::pg_catalog.regnamespace AND relkind = 'r' AND relname <> 'standing'
        ORDER BY relname
    LOOP
        EXECUTE format('CREATE TEMPORARY TABLE %I (LIKE views.%I INCLUDING ALL)', projection, projection);
        EXECUTE format('GRANT SELECT, INSERT ON pg_temp.%I TO PUBLIC', projection);
    END LOOP;
    EXECUTE format('CREATE TEMPORARY VIEW events AS SELECT * FROM public.events WHERE index < %s', size);
    EXECUTE format('CREATE TEMPORARY VIEW log_head AS SELECT %s::bigint AS size', size);
    GRANT SELECT ON pg_temp.events, pg_temp.log_head TO PUBLIC;
END
$$;

REVOKE ALL ON FUNCTION public.stand_at(bigint) FROM PUBLIC;
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_app') THEN
        GRANT EXECUTE ON FUNCTION public.stand_at(bigint) TO sidebyside_app;
    END IF;
END $$;
