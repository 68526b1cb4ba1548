-- The road of every write: a batch of commands in, one reply a command out, in one transaction.
--
-- An operation is a function (command tenon.command, arguments jsonb) RETURNS tenon.outcome, registered by name. It changes
-- its rows and writes its audit entry, or it refuses; what it raises aborts the batch. It never sees keys or other commands.

CREATE TYPE tenon.outcome AS (
  status smallint,       -- 2xx, or of a refusal: 404 or 409; 403 and 422 are not kept under the key
  problem text,          -- the refusal's name (snake_case); null: success
  body text,             -- JSON of the answer; of a refusal: an object of its `detail` and further members
  version bigint,        -- ETag, when there is one
  modified timestamptz,  -- Last-Modified
  location text,
  audit_id bigint
);

CREATE FUNCTION tenon.refused(status integer, problem text, detail text, members jsonb DEFAULT '{}') RETURNS tenon.outcome
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ROW(status, problem, (jsonb_build_object('detail', detail) || members)::text, NULL, NULL, NULL, NULL)::tenon.outcome
$$;

-- A stale concurrency token: tells the version that is there.
CREATE FUNCTION tenon.stale(version bigint, modified timestamptz) RETURNS tenon.outcome
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ROW(409, 'conflict', jsonb_build_object('detail', 'The resource is at version ' || version || '.', 'version', version)::text,
             version, modified, NULL, NULL)::tenon.outcome
$$;

-- Do all tokens of a precondition (safeguards/precondition/token.hpp, as_json) hold for a row at `version`, changed at
-- `modified` and before that at `prior`? A date means the grain it was written in; when two changes fell into that grain it
-- does not tell one state from the other and never holds.
CREATE FUNCTION tenon.precondition_holds(precondition jsonb, version bigint, modified timestamptz, prior timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT precondition IS NULL OR (
    NOT EXISTS (SELECT FROM jsonb_array_elements(precondition -> 'versions') AS wanted WHERE wanted::bigint <> version)
    AND NOT EXISTS (
      SELECT FROM jsonb_to_recordset(precondition -> 'dates') AS token (at timestamptz, grain bigint)
      WHERE (extract(epoch FROM token.at) * 1000000)::bigint / token.grain
              <> (extract(epoch FROM modified) * 1000000)::bigint / token.grain
         OR (extract(epoch FROM prior) * 1000000)::bigint / token.grain
              = (extract(epoch FROM modified) * 1000000)::bigint / token.grain))
$$;

-- The moment of a change: now, yet always later than the row's last one, so that no two versions share a moment.
CREATE FUNCTION tenon.change_moment(last timestamptz) RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$
  SELECT greatest(clock_timestamp(), last + interval '1 microsecond')
$$;

-- RFC 9562 version 7: grows with time, so that new rows stand together in the index, and are listed in the order in which they
-- were made. The first random bits hold the fraction of the millisecond (section 6.2, method 3): many are made within one.
CREATE FUNCTION tenon.new_id() RETURNS uuid
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  now_us CONSTANT bigint := extract(epoch FROM clock_timestamp()) * 1000000;
BEGIN
  RETURN encode(overlay(uuid_send(gen_random_uuid()) PLACING
                        int8send((now_us / 1000 << 16) | (7 << 12) | (now_us % 1000 * 4096 / 1000)) FROM 1 FOR 8), 'hex')::uuid;
END
$$;

CREATE FUNCTION tenon.iso(at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

CREATE TABLE tenon.operations (
  name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{2,62}$'),
  function regproc NOT NULL,
  prelock regproc,  -- (arguments jsonb[]) RETURNS void: locks every row the batch will touch, in id order
  -- The set-based twin: (users text[], roles text[], request_ids text[], keys text[], arguments jsonb[]) RETURNS SETOF
  -- tenon.outcome, in order. Does all commands, and to the row what the function does, or raises TN004: not the usual case.
  batch regproc
);
REVOKE ALL ON tenon.operations FROM PUBLIC;

-- Called by migrations. The function must exist; its owner must be the owner of tenon.execute, as which it runs.
CREATE FUNCTION tenon.register_operation(
  name text, function regproc, prelock regproc DEFAULT NULL, batch regproc DEFAULT NULL)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO tenon.operations VALUES (name, function, prelock, batch)
  ON CONFLICT ON CONSTRAINT operations_pkey
  DO UPDATE SET function = excluded.function, prelock = excluded.prelock, batch = excluded.batch
$$;

-- Stores the fresh answers of a batch (origins 0), but those which say that the resource is somebody else's (403) or that a
-- rule only the database knows is broken (422): nothing ran, and once the reason is gone the same key may. What wrote an
-- entry of the log did run, and what has no status says nothing at all: both abort, as no such answer can be stored.
-- Raises TN001 when another transaction stored one of the keys meanwhile.
CREATE FUNCTION tenon.store_replies(
  claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], replies tenon.replies)
RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  fresh bigint;
  stored bigint;
BEGIN
  WITH answer AS (
    SELECT * FROM unnest(claims, scopes, users, keys, fingerprints, replies.origins, replies.statuses, replies.problems,
                         replies.bodies, replies.versions, replies.modified, replies.locations, replies.expires,
                         replies.audit_ids)
      AS a (claim, scope, user_id, key, fingerprint, origin, status, problem, body, version, modified, location, expires, audit_id)
    WHERE origin = 0 AND (status IN (403, 422) AND audit_id IS NULL) IS NOT TRUE
  ), kept AS (
    INSERT INTO idempotency_keys (claim, slot, status_code, version, modified, expires_at, audit_id, request_hash, scope,
                                  user_id, key, problem, summary, location)
    SELECT claim, (SELECT slot FROM tenon.key_generation), status, version, modified, expires, audit_id, fingerprint, scope,
           user_id, key, problem, body, location
    FROM answer ORDER BY claim  -- one order for all: two batches that share keys can't wait for each other in a ring
    ON CONFLICT DO NOTHING
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM answer), (SELECT count(*) FROM kept) INTO fresh, stored;
  IF stored < fresh THEN
    PERFORM tenon.raise_key_collision(
      ARRAY(SELECT claim FROM unnest(claims, replies.origins) AS a (claim, origin) WHERE origin = 0));
  END IF;
END
$$;

-- Removes stored answers that have expired and whose keys are about to be used again.
CREATE FUNCTION tenon.forget_expired(claims uuid[], clock timestamptz) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
  DELETE FROM idempotency_keys WHERE claim = ANY (claims) AND expires_at <= clock
$$;

-- A batch of fresh commands through an operation's set-based twin, in three statements whatever its size. Null, and nothing
-- happened, when the batch is not of the usual kind: a command whose key is known, or what the twin leaves to the function.
CREATE FUNCTION tenon.execute_at_once(
  batch regproc,
  claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[],
  request_ids text[], arguments jsonb[])
RETURNS tenon.replies
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  generation CONSTANT tenon.key_generation := (SELECT g FROM tenon.key_generation AS g);
  lifetime_max_seconds CONSTANT integer := extract(epoch FROM generation.lifetime_max);
  replies tenon.replies;
BEGIN
  replies.answered_at := clock_timestamp();
  EXECUTE format($statement$
    SELECT array_agg(status), array_agg(problem), array_agg(body), array_agg(version), array_agg(modified),
           array_agg(location), array_agg(audit_id)
    FROM %s($1, $2, $3, $4, $5)
  $statement$, batch)
  INTO replies.statuses, replies.problems, replies.bodies, replies.versions, replies.modified, replies.locations,
       replies.audit_ids
  USING users, roles, request_ids, keys, arguments;
  IF cardinality(replies.statuses) IS DISTINCT FROM cardinality(claims)
     OR tenon.stored_in(generation.closed, claims) THEN
    RAISE SQLSTATE 'TN004';
  END IF;
  replies.origins := array_fill(0::smallint, ARRAY[cardinality(claims)]);
  replies.expires := ARRAY(SELECT replies.answered_at + least(lifetime, lifetime_max_seconds) * interval '1 s'
                           FROM unnest(lifetimes) WITH ORDINALITY AS c (lifetime, n) ORDER BY n);
  INSERT INTO idempotency_keys (claim, slot, status_code, version, modified, expires_at, audit_id, request_hash, scope,
                                user_id, key, problem, summary, location)
  SELECT claim, generation.slot, status, version, modified, expires, audit_id, fingerprint, scope, user_id, key, problem, body,
         location
  FROM unnest(claims, replies.statuses, replies.versions, replies.modified, replies.expires, replies.audit_ids, fingerprints,
              scopes, users, keys, replies.problems, replies.bodies, replies.locations)
    AS a (claim, status, version, modified, expires, audit_id, fingerprint, scope, user_id, key, problem, body, location)
  ORDER BY claim;  -- one order for all: two batches that share keys can't wait for each other in a ring
  RETURN replies;
EXCEPTION WHEN unique_violation OR SQLSTATE 'TN004' THEN
  RETURN NULL;
END
$$;

-- Runs one registered operation over a batch. The arrays are parallel: one element a command.
CREATE FUNCTION tenon.execute(
  operation text,
  claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[],
  request_ids text[], arguments jsonb[])
RETURNS tenon.replies
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  registered tenon.operations;
  replies tenon.replies;
  clock timestamptz;
BEGIN
  SELECT * INTO registered FROM tenon.operations WHERE name = operation;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no operation is called %', operation USING ERRCODE = 'undefined_function';
  END IF;
  PERFORM tenon.hold_key_generation();
  IF registered.batch IS NOT NULL THEN
    replies := tenon.execute_at_once(registered.batch, claims, scopes, users, keys, fingerprints, lifetimes, roles,
                                     request_ids, arguments);
    IF replies.origins IS NOT NULL THEN
      RETURN replies;
    END IF;
  END IF;
  IF registered.prelock IS NOT NULL THEN
    EXECUTE format('SELECT %s($1)', registered.prelock) USING arguments;
  END IF;

  clock := clock_timestamp();
  replies := tenon.stored_replies(claims, fingerprints, clock);
  PERFORM tenon.await_replication_of_stored(claims, replies.origins);
  PERFORM tenon.forget_expired(claims, clock);
  EXECUTE format($statement$
    SELECT array_agg(coalesce(stored_origin, 0::smallint)), array_agg(coalesce(stored_status, status)),
           array_agg(coalesce(stored_problem, problem)), array_agg(coalesce(stored_body, body)),
           array_agg(coalesce(stored_version, version)), array_agg(coalesce(stored_modified, modified)),
           array_agg(coalesce(stored_location, location)),
           array_agg(CASE WHEN stored_origin IS NULL THEN expires ELSE stored_expires END),
           array_agg(coalesce(stored_audit_id, audit_id)), $1
    FROM (
      SELECT c.*, o.*, clock_timestamp() + make_interval(secs => least(c.lifetime, g.lifetime_max_seconds)) AS expires
      FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) WITH ORDINALITY AS c
             (user_id, key, lifetime, role, request_id, argument, stored_origin, stored_status, stored_problem, stored_body,
              stored_version, stored_modified, stored_location, stored_expires, stored_audit_id, n)
      CROSS JOIN (SELECT extract(epoch FROM lifetime_max)::integer AS lifetime_max_seconds FROM tenon.key_generation) AS g
      LEFT JOIN LATERAL (
        SELECT * FROM %s(ROW(c.user_id, c.role, c.request_id, c.key)::tenon.command, c.argument)
        WHERE c.stored_origin IS NULL
        OFFSET 0  -- a fence: the function must not be called for a command that is not to run
      ) AS o ON true
      ORDER BY c.n) AS answered
  $statement$, registered.function)
  INTO replies
  USING clock, users, keys, lifetimes, roles, request_ids, arguments, replies.origins, replies.statuses, replies.problems,
        replies.bodies, replies.versions, replies.modified, replies.locations, replies.expires, replies.audit_ids;
  PERFORM tenon.store_replies(claims, scopes, users, keys, fingerprints, replies);
  RETURN replies;
END
$$;
GRANT EXECUTE ON FUNCTION tenon.execute TO tenon_edge;
GRANT USAGE ON TYPE tenon.replies TO tenon_edge;

-- For work that is more than one operation (handle_idempotent): the node holds the transaction open between these two.
-- begin_keyed: the stored answer, as a batch of one; its origin is null when there is none, and then the work may run.
CREATE FUNCTION tenon.begin_keyed(claim uuid, fingerprint bytea) RETURNS tenon.replies
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  clock timestamptz;
  replies tenon.replies;
BEGIN
  PERFORM tenon.hold_key_generation();
  clock := clock_timestamp();
  PERFORM tenon.forget_expired(ARRAY[claim], clock);
  replies := tenon.stored_replies(ARRAY[claim], ARRAY[fingerprint], clock);
  PERFORM tenon.await_replication_of_stored(ARRAY[claim], replies.origins);
  RETURN replies;
END
$$;

-- keep_reply: stores the answer. Returns until when. Raises TN001 when another transaction stored this key meanwhile. The work
-- ran: an answer that would not be stored is refused, and the work with it.
CREATE FUNCTION tenon.keep_reply(
  claim uuid, scope text, user_id text, key text, fingerprint bytea, lifetime integer, status integer, problem text, body text,
  version bigint, modified timestamptz, location text)
RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  expires CONSTANT timestamptz := clock_timestamp()
    + least(make_interval(secs => lifetime), (SELECT lifetime_max FROM tenon.key_generation));
BEGIN
  IF (status BETWEEN 200 AND 299 OR status IN (404, 409)) IS NOT TRUE THEN
    RAISE EXCEPTION 'work that ran is not answered with %', status USING ERRCODE = 'check_violation';
  END IF;
  PERFORM tenon.hold_key_generation();
  PERFORM tenon.store_replies(
    ARRAY[claim], ARRAY[scope], ARRAY[user_id], ARRAY[key], ARRAY[fingerprint],
    ROW(ARRAY[0], ARRAY[status], ARRAY[problem], ARRAY[body], ARRAY[version], ARRAY[modified], ARRAY[location], ARRAY[expires],
        ARRAY[NULL::bigint], clock_timestamp())::tenon.replies);
  RETURN expires;
END
$$;
GRANT EXECUTE ON FUNCTION tenon.begin_keyed, tenon.keep_reply TO tenon_edge;
