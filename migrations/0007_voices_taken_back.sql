-- A voice that somebody takes back is forgotten as a person is: its key, its words and what they left in the files.

-- The log says which: found without reading the whole of it.
CREATE INDEX events_voice_withdrawn ON public.events ((payload -> 'consultation.voice_withdrawn' ->> 'voice'))
    WHERE event_type = 'consultation.voice_withdrawn';

-- As before, and for the subject of a voice when the log says that it was taken back.
CREATE OR REPLACE FUNCTION vault.forget(forgotten uuid) RETURNS integer
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF NOT EXISTS (SELECT FROM public.events
                   WHERE event_type = 'person.erased' AND aggregate_type = 'person' AND aggregate_id = forgotten::text)
        AND NOT EXISTS (SELECT FROM public.events
                        WHERE event_type = 'consultation.voice_withdrawn' AND aggregate_type = 'consultation'
                            AND payload -> 'consultation.voice_withdrawn' ->> 'voice' = forgotten::text) THEN
        RAISE EXCEPTION 'the log does not say that subject % is forgotten', forgotten
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN vault.destroy(forgotten);
END
$$;
