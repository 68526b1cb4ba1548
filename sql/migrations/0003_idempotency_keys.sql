-- Stored answers, by (scope, user, key). `claim` is the first half of the SHA-256 of the three: what the unique index holds.
--
-- Keys live for a minute and there may be millions, so they are never deleted row by row. They go into one of four
-- partitions at a time (a generation); a partition whose keys have all expired is truncated and used again. Uniqueness must
-- hold over all of them: every transaction that reads or stores keys holds ROW SHARE on tenon.key_generation from before its
-- first look until it ends, and the turn to the next partition takes EXCLUSIVE on it. So all that run at a time store into
-- one partition, under its unique index, and whoever comes after a turn sees everything that was stored before it.
-- Domains, not CHECKs of the table: those are parsed again by every statement that stores keys.
CREATE DOMAIN tenon.kept_status AS smallint CHECK (VALUE BETWEEN 200 AND 299 OR VALUE IN (404, 409));
CREATE DOMAIN tenon.fingerprint AS bytea CHECK (octet_length(VALUE) = 32);

CREATE TABLE public.idempotency_keys (
  claim uuid NOT NULL,
  slot smallint NOT NULL,
  status_code tenon.kept_status NOT NULL,
  version bigint,
  modified timestamptz,
  expires_at timestamptz NOT NULL,
  audit_id bigint,
  request_hash tenon.fingerprint NOT NULL,
  scope text NOT NULL,
  user_id text NOT NULL,
  key text NOT NULL,
  problem text,  -- the refusal's name; null: success
  summary text NOT NULL,  -- the body, or the refusal's own members
  location text
) PARTITION BY LIST (slot);

DO $$
BEGIN
  FOR slot IN 0..3 LOOP
    EXECUTE format('CREATE TABLE public.idempotency_keys_%s PARTITION OF public.idempotency_keys FOR VALUES IN (%s)', slot, slot);
    EXECUTE format('CREATE UNIQUE INDEX idempotency_keys_%s_claim ON public.idempotency_keys_%s (claim)', slot, slot);
    -- Only ever appended to and truncated: nothing for autovacuum to win, and its lock would delay the truncation.
    EXECUTE format('ALTER TABLE public.idempotency_keys_%s SET (autovacuum_enabled = off)', slot);
    EXECUTE format('GRANT SELECT ON public.idempotency_keys_%s TO tenon_teller', slot);
  END LOOP;
END
$$;

CREATE TABLE tenon.key_generation (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  slot smallint NOT NULL DEFAULT 0 CHECK (slot BETWEEN 0 AND 3),  -- the partition that is stored into now
  lifetime_max interval NOT NULL DEFAULT '60 s',                   -- no key lives longer
  opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  closed smallint[] NOT NULL DEFAULT '{}',                         -- the others that may hold keys which have not expired
  free_at timestamptz[] NOT NULL DEFAULT ARRAY['-infinity', '-infinity', '-infinity', '-infinity']::timestamptz[]
    CHECK (cardinality(free_at) = 4)  -- per slot: when its last key has expired; only meaningful for closed ones
);
INSERT INTO tenon.key_generation DEFAULT VALUES;
REVOKE ALL ON tenon.key_generation, public.idempotency_keys FROM PUBLIC;
GRANT SELECT, INSERT ON public.idempotency_keys TO tenon_teller;
GRANT SELECT, UPDATE ON tenon.key_generation TO tenon_teller;  -- LOCK ... IN ROW SHARE MODE asks for UPDATE

-- Before anything that looks for keys or stores them. Not at another isolation level: there the snapshot is from before the lock
-- was had, and may show a generation that is over.
CREATE FUNCTION tenon.hold_key_generation() RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  LOCK TABLE tenon.key_generation IN ROW SHARE MODE;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'keys are held at read committed, not at %', current_setting('transaction_isolation')
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
END
$$;

-- Is one of the claims stored in one of these partitions, expired or not? Each is asked by its own name: a plan that does not
-- know the slots yet leaves none out, and would look for every claim in all four.
CREATE FUNCTION tenon.stored_in(slots smallint[], claims uuid[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  IF 0 = ANY (slots) THEN
    IF EXISTS (SELECT FROM idempotency_keys_0 WHERE claim = ANY (claims)) THEN
      RETURN true;
    END IF;
  END IF;
  IF 1 = ANY (slots) THEN
    IF EXISTS (SELECT FROM idempotency_keys_1 WHERE claim = ANY (claims)) THEN
      RETURN true;
    END IF;
  END IF;
  IF 2 = ANY (slots) THEN
    IF EXISTS (SELECT FROM idempotency_keys_2 WHERE claim = ANY (claims)) THEN
      RETURN true;
    END IF;
  END IF;
  IF 3 = ANY (slots) THEN
    IF EXISTS (SELECT FROM idempotency_keys_3 WHERE claim = ANY (claims)) THEN
      RETURN true;
    END IF;
  END IF;
  RETURN false;
END
$$;

GRANT EXECUTE ON FUNCTION tenon.stored_in TO tenon_teller;

-- A batch's answers, one element a command, in order. `origins`: 0 run now, 1 replayed, 2 the key was used with another
-- fingerprint (nothing of the stored answer is told then).
CREATE TYPE tenon.replies AS (
  origins smallint[], statuses smallint[], problems text[], bodies text[], versions bigint[], modified timestamptz[],
  locations text[], expires timestamptz[], audit_ids bigint[], answered_at timestamptz
);

-- The stored, unexpired answer to each claim; all-null elements where there is none. `clock` is the caller's clock_timestamp().
CREATE FUNCTION tenon.stored_replies(claims uuid[], fingerprints bytea[], clock timestamptz) RETURNS tenon.replies
LANGUAGE sql STABLE SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  SELECT ROW(array_agg(CASE WHEN same THEN 1::smallint WHEN NOT same THEN 2::smallint END),
             array_agg(CASE WHEN same THEN status_code END), array_agg(CASE WHEN same THEN problem END),
             array_agg(CASE WHEN same THEN summary END), array_agg(CASE WHEN same THEN version END),
             array_agg(CASE WHEN same THEN modified END), array_agg(CASE WHEN same THEN location END),
             array_agg(CASE WHEN same THEN expires_at END), array_agg(CASE WHEN same THEN audit_id END), clock)::tenon.replies
  FROM (SELECT k.*, k.request_hash = c.fingerprint AS same
        FROM unnest(claims, fingerprints) WITH ORDINALITY AS c (claim, fingerprint, n)
        LEFT JOIN idempotency_keys k ON k.claim = c.claim AND k.expires_at > clock
        ORDER BY c.n) AS found
$$;

-- Whoever is told a stored answer relies on it, so it must be where a fail-over finds it. What the synchronous standby lacks
-- can be seen here all the same: when the session that committed it was ended while it waited for the standby, or the server
-- came back from a crash. A transaction that only looks waits for nobody; the lock on what was found gives it something to
-- commit, and its COMMIT then waits until the standby has all that was written before.
CREATE FUNCTION tenon.await_replication_of_stored(claims uuid[], origins smallint[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
  IF 1 = ANY (origins) AND current_setting('synchronous_standby_names') <> '' THEN
    PERFORM FROM idempotency_keys WHERE claim = ANY (claims) ORDER BY claim FOR KEY SHARE;
  END IF;
END
$$;

-- Names the commands whose keys stand in the way: stored by another transaction since this one looked, or twice in the
-- batch. The node takes them out; what this transaction itself stored is innocent and stays in its batch.
CREATE FUNCTION tenon.raise_key_collision(claims uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'an idempotency key was stored concurrently'
    USING ERRCODE = 'TN001',
          DETAIL = (SELECT coalesce(string_agg(claim::text, ',' ORDER BY claim), '') FROM (
                      SELECT k.claim FROM idempotency_keys AS k
                      WHERE k.claim = ANY (claims) AND k.expires_at > clock_timestamp()
                        AND k.xmin <> pg_current_xact_id()::xid
                      UNION
                      SELECT twice FROM unnest(claims) AS twice GROUP BY twice HAVING count(*) > 1) AS colliding);
END
$$;

-- What one node may ask: its caller's own outcome, by the whole claim. A role that the caller must hold to be shown it stands
-- after the scope ("inventory:update admin"). `held`: the names of the roles the caller has now, a space before and after each.
-- Whoever has lost it is refused (403, which is never stored), as at the route itself.
CREATE FUNCTION tenon.read_outcome(asked uuid, held text)
RETURNS TABLE (status_code smallint, problem text, summary text, version bigint, modified timestamptz, location text,
               expires_at timestamptz, audit_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN shown THEN k.status_code ELSE 403::smallint END, CASE WHEN shown THEN k.problem ELSE 'forbidden' END,
         CASE WHEN shown THEN k.summary ELSE '{}' END, CASE WHEN shown THEN k.version END,
         CASE WHEN shown THEN k.modified END, CASE WHEN shown THEN k.location END, k.expires_at,
         CASE WHEN shown THEN k.audit_id END
  FROM (SELECT *, strpos(scope, ' ') = 0 OR strpos(held, ' ' || split_part(scope, ' ', 2) || ' ') > 0 AS shown
        FROM idempotency_keys WHERE claim = asked AND expires_at > clock_timestamp()) AS k
$$;

-- Raises the longest lifetime a key may have. Never lowers it: keys that were promised more may be about.
CREATE FUNCTION tenon.ensure_key_lifetime(wanted interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF wanted > interval '7 days' OR wanted < interval '30 seconds' THEN
    RAISE EXCEPTION 'a key lives 30 seconds to 7 days, not %', wanted USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF (SELECT lifetime_max FROM tenon.key_generation) >= wanted THEN
    RETURN;
  END IF;
  LOCK TABLE tenon.key_generation IN EXCLUSIVE MODE;
  UPDATE tenon.key_generation SET lifetime_max = greatest(lifetime_max, wanted);
END
$$;

-- Turns to the next partition when its time has come and frees those that have expired. Called by any node every few
-- seconds; harmless when called too often or by many. Gives up rather than hold writers up: the next call tries again.
-- Returns what it did: 'turned', 'freed', or null for nothing.
CREATE FUNCTION tenon.turn_key_generation() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
  generation tenon.key_generation;
  next_slot smallint;
  expired smallint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('tenon.turn_key_generation')) THEN
    RETURN NULL;
  END IF;
  SELECT * INTO generation FROM tenon.key_generation;
  next_slot := (generation.slot + 1) % 4;

  -- Seldom, since a write looks for its key in every closed partition too: so there is none half of the time, and else one.
  IF generation.free_at[next_slot + 1] = '-infinity'
     AND clock_timestamp() >= generation.opened_at + 2 * generation.lifetime_max THEN
    LOCK TABLE tenon.key_generation IN EXCLUSIVE MODE;  -- waits for every batch under way
    UPDATE tenon.key_generation
    SET slot = next_slot, opened_at = clock_timestamp(), closed = closed || generation.slot,
        free_at[generation.slot + 1] = clock_timestamp() + lifetime_max + interval '1 second';
    RETURN 'turned';
  END IF;

  SELECT n - 1 INTO expired FROM unnest(generation.free_at) WITH ORDINALITY AS partition (free_at, n)
  WHERE free_at > '-infinity' AND free_at < clock_timestamp() ORDER BY free_at LIMIT 1;
  IF FOUND THEN
    EXECUTE format('TRUNCATE public.idempotency_keys_%s', expired);
    UPDATE tenon.key_generation SET closed = array_remove(closed, expired), free_at[expired + 1] = '-infinity';
    RETURN 'freed';
  END IF;
  RETURN NULL;
EXCEPTION WHEN lock_not_available THEN
  RETURN NULL;
END
$$;

GRANT EXECUTE ON FUNCTION tenon.read_outcome, tenon.ensure_key_lifetime, tenon.turn_key_generation TO tenon_edge;
