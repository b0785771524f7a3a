/**
 * The append, one call. The lock is a statement of its own: in READ COMMITTED the statements after it take
 * a snapshot of their own, so they see what the previous holder committed. (Lock and anti-join in one
 * statement insert a duplicate, because that statement's snapshot predates the wait.) Postgres makes a
 * commit visible before it releases the lock, hence position order is commit order and a reader's cursor
 * never passes a position that appears later.
 *
 * `event_ids` decides what is new. Inserting there first and counting beats looking up first (12 against
 * 17 µs per event, 5,000 at a time); nothing but the count is asked for when everything is new, which is
 * nearly always. An input owns its identity if the stored row carries the position meant for it; a repeat
 * within the batch meets the row of the first.
 *
 * What is stored is looked up by LATERAL ... LIMIT 1 with sequential scans off: plans are cached for the
 * session, and one made while `event_ids` was small would scan all of it for ever.
 */
const append = `
CREATE FUNCTION append_events(
  in_identities uuid[],
  in_body_hashes bytea[],
  in_times bigint[],
  in_tenants text[],
  in_sources text[],
  in_event_ids text[],
  in_types text[],
  in_subjects text[],
  in_dataversions bigint[],
  in_sequences text[],
  in_data text[],
  in_letter_raw bytea[],
  in_letter_reasons text[],
  in_letter_details text[],
  in_letter_tenants text[],
  in_letter_jobs text[],
  OUT appended integer,
  OUT last_position bigint,
  OUT duplicates integer[],
  OUT conflicts integer[]
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
SET lock_timeout = '10s'
AS $$
#variable_conflict use_column
DECLARE
  events integer := cardinality(in_identities);
  now_ms bigint;
  base bigint;
  first_new bigint;
  last_new bigint;
  fresh bigint[];
  chained bytea;
  previous_digest bytea;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'append_events must run in READ COMMITTED: an older snapshot cannot see the last appends'
      USING ERRCODE = 'active_sql_transaction';
  END IF;
  PERFORM pg_advisory_xact_lock(1903520105, 1);
  now_ms := floor(extract(epoch FROM clock_timestamp()) * 1000);
  SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO base FROM log_position_seq s;
  PERFORM log_ensure_partitions(base + events + 1);

  INSERT INTO event_ids (identity, body_hash, position)
  SELECT i.identity, i.body_hash, base + i.ordinal
  FROM unnest(in_identities, in_body_hashes) WITH ORDINALITY AS i(identity, body_hash, ordinal)
  ON CONFLICT (identity) DO NOTHING;
  GET DIAGNOSTICS appended = ROW_COUNT;

  IF appended = events THEN
    SELECT string_agg(int8send(base + i.ordinal) || i.body_hash, ''::bytea ORDER BY i.ordinal)
    INTO chained
    FROM unnest(in_body_hashes) WITH ORDINALITY AS i(body_hash, ordinal);
    first_new := base + 1;
    last_new := base + events;
  ELSE
    SELECT array_agg(base + i.ordinal ORDER BY i.ordinal) FILTER (WHERE k.position = base + i.ordinal),
           string_agg(int8send(base + i.ordinal) || i.body_hash, ''::bytea ORDER BY i.ordinal)
             FILTER (WHERE k.position = base + i.ordinal),
           array_agg(i.ordinal::integer)
             FILTER (WHERE k.position <> base + i.ordinal AND k.body_hash = i.body_hash),
           array_agg(i.ordinal::integer)
             FILTER (WHERE k.position <> base + i.ordinal AND k.body_hash <> i.body_hash)
    INTO fresh, chained, duplicates, conflicts
    FROM unnest(in_identities, in_body_hashes) WITH ORDINALITY AS i(identity, body_hash, ordinal)
    CROSS JOIN LATERAL (
      SELECT e.position, e.body_hash FROM event_ids e WHERE e.identity = i.identity LIMIT 1
    ) k;
    first_new := fresh[1];
    last_new := fresh[appended];
  END IF;

  IF appended > 0 THEN
    INSERT INTO log (position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion,
                     sequence, data)
    SELECT base + i.ordinal, now_ms, i.time_ms, i.tenant, i.source, i.event_id, i.type, i.subject,
           i.dataversion::integer, i.sequence, i.data::json
    FROM unnest(in_times, in_tenants, in_sources, in_event_ids, in_types, in_subjects, in_dataversions,
                in_sequences, in_data)
      WITH ORDINALITY AS i(time_ms, tenant, source, event_id, type, subject, dataversion, sequence, data,
                           ordinal)
    WHERE fresh IS NULL OR base + i.ordinal = ANY (fresh);
    PERFORM setval('log_position_seq', last_new);
    last_position := last_new;
    SELECT d.digest INTO previous_digest FROM log_digests d ORDER BY d.last_position DESC LIMIT 1;
    previous_digest := coalesce(previous_digest, decode(repeat('00', 32), 'hex'));
    INSERT INTO log_digests (last_position, first_position, events, digest, previous)
    VALUES (last_new, first_new, appended, sha256(previous_digest || chained), previous_digest);
  END IF;

  IF conflicts IS NOT NULL OR cardinality(in_letter_raw) > 0 THEN
    INSERT INTO dead_letters AS kept
      (fingerprint, raw, reason, detail, tenant, first_seen_ms, last_seen_ms, seen, job_id)
    SELECT fingerprint, (array_agg(raw))[1], min(reason), min(detail), min(tenant), now_ms, now_ms, count(*),
           min(job_id)
    FROM (
      SELECT sha256(raw || convert_to(reason, 'UTF8')) AS fingerprint, raw, reason, detail, tenant, job_id, place
      FROM (
        SELECT * FROM unnest(in_letter_raw, in_letter_reasons, in_letter_details, in_letter_tenants,
                             in_letter_jobs) WITH ORDINALITY AS given(raw, reason, detail, tenant, job_id, place)
        UNION ALL
        SELECT convert_to(log_canonical_event(in_times[c], in_tenants[c], in_sources[c], in_event_ids[c],
                                              in_types[c], in_subjects[c], in_dataversions[c],
                                              in_sequences[c], in_data[c]), 'UTF8'),
               'id-conflict', 'an event of this tenant, source and id is stored with another body',
               in_tenants[c], NULL, cardinality(in_letter_raw) + c
        FROM unnest(conflicts) c
      ) letters
    ) stamped
    GROUP BY fingerprint
    ORDER BY min(place)
    ON CONFLICT (fingerprint) DO UPDATE
      SET last_seen_ms = EXCLUDED.last_seen_ms, seen = kept.seen + EXCLUDED.seen;
  END IF;
END $$`;

/**
 * The canonical JSON of an event from its columns, as `canonicalEvent` of the contracts writes it. The time
 * is counted from its day: an interval times a number is a float, and a millisecond off in the year 5000.
 */
const canonical = `
CREATE FUNCTION log_canonical_event(
  in_time bigint, in_tenant text, in_source text, in_event_id text, in_type text, in_subject text,
  in_dataversion bigint, in_sequence text, in_data text
) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT '{"data":' || in_data
    || ',"dataversion":' || in_dataversion
    || ',"id":' || to_json(in_event_id)
    || CASE WHEN in_sequence IS NULL THEN '' ELSE ',"sequence":' || to_json(in_sequence) END
    || ',"source":' || to_json(in_source)
    || ',"subject":' || to_json(in_subject)
    || ',"tenant":' || to_json(in_tenant)
    || ',"time":"' || to_char(day.start + (in_time - day.ordinal::bigint * 86400000) * interval '1 millisecond',
                              'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    || '","type":' || to_json(in_type) || '}'
  FROM (SELECT n AS ordinal, date '1970-01-01' + n AS start
        FROM (SELECT floor(in_time::numeric / 86400000)::integer AS n) days) day
$$`;

/** Statements that make the append and what it calls. */
export const createAppend: readonly string[] = [canonical, append];

/** Statements that undo `createAppend`. */
export const dropAppend: readonly string[] = [
  `DROP FUNCTION append_events(uuid[], bytea[], bigint[], text[], text[], text[], text[], text[], bigint[],
    text[], text[], bytea[], text[], text[], text[], text[])`,
  'DROP FUNCTION log_canonical_event(bigint, text, text, text, text, text, bigint, text, text)',
];
