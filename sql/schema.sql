-- Made by tools/dump-schema: what sql/migrations make of an empty database. To read, never to run.

-- ROLE tenon_auditor LOGIN SET default_transaction_read_only=on
-- ROLE tenon_edge LOGIN SET lock_timeout=3s, statement_timeout=8s, idle_in_transaction_session_timeout=10s, search_path=public, pg_temp, TimeZone=UTC, jit=off
-- ROLE tenon_owner NOLOGIN
-- ROLE tenon_sealer LOGIN SET lock_timeout=3s, statement_timeout=30s, idle_in_transaction_session_timeout=10s, idle_session_timeout=20s, search_path=public, pg_temp, TimeZone=UTC
-- ROLE tenon_teller NOLOGIN
-- MEMBER tenon_owner OF tenon_teller
-- DATABASE tenon_auditor: CONNECT
-- DATABASE tenon_edge: CONNECT
-- DATABASE tenon_owner: CREATE
-- DATABASE tenon_sealer: CONNECT
-- DEFAULT of tenon_owner T: tenon_owner USAGE
-- DEFAULT of tenon_owner f: tenon_owner EXECUTE
-- SYSTEM FUNCTION lo_creat(integer): not for PUBLIC
-- SYSTEM FUNCTION lo_create(oid): not for PUBLIC
-- SYSTEM FUNCTION lo_from_bytea(oid,bytea): not for PUBLIC
-- SYSTEM FUNCTION pg_logical_emit_message(boolean,text,bytea): not for PUBLIC
-- SYSTEM FUNCTION pg_logical_emit_message(boolean,text,text): not for PUBLIC

CREATE SCHEMA public;

ALTER SCHEMA public OWNER TO tenon_owner;

CREATE SCHEMA tenon;

ALTER SCHEMA tenon OWNER TO tenon_owner;

CREATE TYPE tenon.command AS (
	user_id text,
	role text,
	request_id text,
	idempotency_key text
);

ALTER TYPE tenon.command OWNER TO tenon_owner;

CREATE DOMAIN tenon.fingerprint AS bytea
	CONSTRAINT fingerprint_check CHECK ((octet_length(VALUE) = 32));

ALTER DOMAIN tenon.fingerprint OWNER TO tenon_owner;

CREATE DOMAIN tenon.image_url AS text
	CONSTRAINT image_url_check CHECK (((char_length(VALUE) >= 1) AND (char_length(VALUE) <= 2000)));

ALTER DOMAIN tenon.image_url OWNER TO tenon_owner;

CREATE DOMAIN tenon.item_name AS text
	CONSTRAINT item_name_check CHECK (((char_length(VALUE) >= 1) AND (char_length(VALUE) <= 200)));

ALTER DOMAIN tenon.item_name OWNER TO tenon_owner;

CREATE DOMAIN tenon.item_origin AS text
	CONSTRAINT item_origin_check CHECK (((char_length(VALUE) >= 1) AND (char_length(VALUE) <= 100)));

ALTER DOMAIN tenon.item_origin OWNER TO tenon_owner;

CREATE DOMAIN tenon.item_price AS numeric(12,2)
	CONSTRAINT item_price_check CHECK (((VALUE > (0)::numeric) AND (VALUE <> 'NaN'::numeric)));

ALTER DOMAIN tenon.item_price OWNER TO tenon_owner;

CREATE DOMAIN tenon.kept_status AS smallint
	CONSTRAINT kept_status_check CHECK ((((VALUE >= 200) AND (VALUE <= 299)) OR (VALUE = ANY (ARRAY[404, 409]))));

ALTER DOMAIN tenon.kept_status OWNER TO tenon_owner;

CREATE TYPE tenon.outcome AS (
	status smallint,
	problem text,
	body text,
	version bigint,
	modified timestamp with time zone,
	location text,
	audit_id bigint
);

ALTER TYPE tenon.outcome OWNER TO tenon_owner;

CREATE DOMAIN tenon.pieces AS bigint
	CONSTRAINT pieces_check CHECK (((VALUE >= 0) AND (VALUE <= '9007199254740991'::bigint)));

ALTER DOMAIN tenon.pieces OWNER TO tenon_owner;

CREATE TYPE tenon.replies AS (
	origins smallint[],
	statuses smallint[],
	problems text[],
	bodies text[],
	versions bigint[],
	modified timestamp with time zone[],
	locations text[],
	expires timestamp with time zone[],
	audit_ids bigint[],
	answered_at timestamp with time zone
);

ALTER TYPE tenon.replies OWNER TO tenon_owner;

CREATE DOMAIN tenon.said AS text
	CONSTRAINT said_check CHECK ((VALUE <> ''::text));

ALTER DOMAIN tenon.said OWNER TO tenon_owner;

CREATE DOMAIN tenon.state_code AS text
	CONSTRAINT state_code_check CHECK ((VALUE = ANY (ARRAY['AL'::text, 'AK'::text, 'AZ'::text, 'AR'::text, 'CA'::text, 'CO'::text, 'CT'::text, 'DE'::text, 'DC'::text, 'FL'::text, 'GA'::text, 'HI'::text, 'ID'::text, 'IL'::text, 'IN'::text, 'IA'::text, 'KS'::text, 'KY'::text, 'LA'::text, 'ME'::text, 'MD'::text, 'MA'::text, 'MI'::text, 'MN'::text, 'MS'::text, 'MO'::text, 'MT'::text, 'NE'::text, 'NV'::text, 'NH'::text, 'NJ'::text, 'NM'::text, 'NY'::text, 'NC'::text, 'ND'::text, 'OH'::text, 'OK'::text, 'OR'::text, 'PA'::text, 'RI'::text, 'SC'::text, 'SD'::text, 'TN'::text, 'TX'::text, 'UT'::text, 'VT'::text, 'VA'::text, 'WA'::text, 'WV'::text, 'WI'::text, 'WY'::text])));

ALTER DOMAIN tenon.state_code OWNER TO tenon_owner;

CREATE DOMAIN tenon.version AS bigint
	CONSTRAINT version_check CHECK ((VALUE >= 1));

ALTER DOMAIN tenon.version OWNER TO tenon_owner;

CREATE FUNCTION public.decrement_stock_atomic(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[]) RETURNS tenon.replies
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashagg TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
  size CONSTANT integer := cardinality(claims);
  clock timestamptz;
  open_slot smallint;  -- tenon.key_generation
  closed_slots smallint[];
  lifetime_max interval;
  bodies text[];
  versions bigint[];
  moments timestamptz[];
  befores text[];
  afters text[];
  expires timestamptz[];
  audit_ids bigint[];
  changes bigint;  -- sales that changed a row, and the sum of these rows' hashes
  changed_rows bigint;
  entries bigint;  -- of the log, and the same sum over their rows
  entered_rows bigint;
  items integer;  -- how many different ones
BEGIN
  LOCK TABLE tenon.key_generation IN ROW SHARE MODE;  -- as tenon.hold_key_generation, without a call for it
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'keys are held at read committed, not at %', current_setting('transaction_isolation')
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
  SELECT slot, closed, generation.lifetime_max, clock_timestamp() INTO open_slot, closed_slots, lifetime_max, clock
  FROM tenon.key_generation AS generation;
  IF size = 1 THEN
    -- As below, without its arrays and preparations: they are most of what a batch of one would cost. An array that does not
    -- begin with its only element has none by that number, which the tables refuse.
    DECLARE
      sold_id CONSTANT uuid := item_ids[1];  -- an array's element is set up again wherever it is named
      pieces CONSTANT integer := quantities[1];
      body text;
      sold_version bigint;
      moment timestamptz;
      stock_before text;
      stock_after text;
      entry bigint;
      entry_of uuid;
      expiry timestamptz;
    BEGIN
      IF closed_slots <> '{}' THEN
        IF tenon.stored_in(closed_slots, claims) THEN
          RAISE SQLSTATE 'TN004';
        END IF;
      END IF;
      UPDATE inventory SET
        quantity_available = quantity_available - pieces, quantity_sold = quantity_sold + pieces,
        version = version + 1, prior_updated_at = updated_at, updated_at = greatest(clock, updated_at + interval '1 us')
      WHERE id = sold_id AND quantity_available >= pieces AND pieces >= 1 AND preconditions[1] IS NULL
      RETURNING head || tenon.item_tail(quantity_available, quantity_sold, version, updated_at), version, updated_at,
                tenon.item_stock(quantity_available + pieces, quantity_sold - pieces, version - 1),
                tenon.item_stock(quantity_available, quantity_sold, version), nextval('tenon.audit_log_ids')
      INTO body, sold_version, moment, stock_before, stock_after, entry;
      IF NOT FOUND THEN
        RAISE SQLSTATE 'TN004';
      END IF;
      INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role, request_id, idempotency_key, before, after)
      VALUES (entry, moment, sold_id, 'STOCK_DECREMENT', 'item', users[1], roles[1], request_ids[1], keys[1],
              stock_before, stock_after)
      RETURNING entity_id INTO entry_of;
      IF entry_of IS DISTINCT FROM sold_id THEN
        RAISE EXCEPTION 'the audit log does not tell of what was sold' USING ERRCODE = 'TN010';
      END IF;
      INSERT INTO tenon.audit_batches VALUES (pg_current_xact_id(), entry, entry, moment, moment, 1);
      INSERT INTO idempotency_keys (claim, slot, status_code, version, modified, expires_at, audit_id, request_hash, scope,
                                    user_id, key, summary)
      VALUES (claims[1], open_slot, 200, sold_version, moment, clock + least(lifetimes[1] * interval '1 s', lifetime_max), entry,
              fingerprints[1], scopes[1], users[1], keys[1], body)
      RETURNING expires_at INTO expiry;
      RETURN ROW(ARRAY[0], ARRAY[200], ARRAY[NULL], ARRAY[body], ARRAY[sold_version], ARRAY[moment], ARRAY[NULL], ARRAY[expiry],
                 ARRAY[entry], clock)::tenon.replies;
    EXCEPTION WHEN unique_violation OR SQLSTATE 'TN004' THEN
      NULL;  -- nothing of it happened
    END;
  END IF;

  IF (1 <= ALL (quantities)) IS NOT TRUE THEN
    RAISE EXCEPTION 'a sale is of at least one piece' USING ERRCODE = 'check_violation';
  END IF;
  -- One row of elements, from the first on: an element taken by a number that there is none of would be null.
  IF (format('[1:%s]', size) = ALL (ARRAY[
        array_dims(claims), array_dims(scopes), array_dims(users), array_dims(keys), array_dims(fingerprints),
        array_dims(lifetimes), array_dims(roles), array_dims(request_ids), array_dims(item_ids), array_dims(quantities),
        array_dims(preconditions)])) IS NOT TRUE THEN
    RAISE EXCEPTION 'a batch has as many of everything as it has commands' USING ERRCODE = 'check_violation';
  END IF;
  IF size > 1024 THEN  -- a block of audit ids: what followed would be entered under another batch's
    RAISE EXCEPTION 'a batch is of 1024 commands at most' USING ERRCODE = 'check_violation';
  END IF;
  BEGIN
    IF size = 1 OR array_remove(preconditions, NULL) <> '{}' THEN
      RAISE SQLSTATE 'TN004';
    END IF;
    -- Stored before the last turns; those stored since are under the unique index that the insert meets.
    IF closed_slots <> '{}' THEN
      IF tenon.stored_in(closed_slots, claims) THEN
        RAISE SQLSTATE 'TN004';
      END IF;
    END IF;

    items := cardinality(ARRAY(SELECT DISTINCT unnest(item_ids)));
    IF items = size THEN
      WITH changed AS (
        UPDATE inventory SET
          quantity_available = quantity_available - quantity, quantity_sold = quantity_sold + quantity,
          version = version + 1, prior_updated_at = updated_at, updated_at = greatest(clock, updated_at + interval '1 us')
        FROM (SELECT n, item_ids[n] AS item_id, quantities[n] AS quantity FROM generate_series(1, size) AS n
              ORDER BY item_ids[n]) AS asked
        WHERE id = item_id AND quantity_available >= quantity
        RETURNING n, id, quantity, head, quantity_available AS available, quantity_sold AS sold, version, updated_at AS modified
      ), block AS (
        -- Counted first: the entries' ids are drawn once all rows are locked, and so grow in the order of locking.
        SELECT nextval('tenon.audit_log_ids') AS first_audit_id FROM (SELECT count(*) FROM changed) AS locked
      )
      SELECT array_agg(head || tenon.item_tail(available, sold, version, modified)), array_agg(version), array_agg(modified),
             array_agg(tenon.item_stock(available + quantity, sold - quantity, version - 1)),
             array_agg(tenon.item_stock(available, sold, version)),
             array_agg(clock + least(lifetimes[n] * interval '1 s', lifetime_max)),
             array_agg((SELECT first_audit_id FROM block) + n - 1), count(*), sum(uuid_hash(id))
      INTO bodies, versions, moments, befores, afters, expires, audit_ids, changes, changed_rows
      FROM (SELECT * FROM changed ORDER BY n) AS told;
    ELSIF items = 1 THEN  -- what everybody wants: nothing to lock in order, and no rows to tell apart
      DECLARE
        pieces CONSTANT bigint := (SELECT sum(asked) FROM unnest(quantities) AS asked);
        item inventory;
        first_entry bigint;
      BEGIN
        UPDATE inventory SET
          quantity_available = quantity_available - pieces, quantity_sold = quantity_sold + pieces, version = version + size,
          prior_updated_at = greatest(clock, updated_at + interval '1 us') + (size - 2) * interval '1 us',
          updated_at = greatest(clock, updated_at + interval '1 us') + (size - 1) * interval '1 us'
        WHERE id = item_ids[1] AND quantity_available >= pieces
        RETURNING inventory.* INTO item;
        IF NOT FOUND THEN
          RAISE SQLSTATE 'TN004';
        END IF;
        first_entry := nextval('tenon.audit_log_ids');
        SELECT array_agg(item.head || tenon.item_tail(available, sold, version, modified)), array_agg(version),
               array_agg(modified), array_agg(tenon.item_stock(available + quantity, sold - quantity, version - 1)),
               array_agg(tenon.item_stock(available, sold, version)),
               array_agg(clock + least(lifetimes[n] * interval '1 s', lifetime_max)), array_agg(first_entry + n - 1)
        INTO bodies, versions, moments, befores, afters, expires, audit_ids
        FROM (SELECT n, quantities[n] AS quantity, item.version - size + n AS version,
                     item.updated_at - (size - n) * interval '1 us' AS modified,
                     item.quantity_available + pieces - sum(quantities[n]) OVER so_far AS available,
                     item.quantity_sold - pieces + sum(quantities[n]) OVER so_far AS sold
              FROM generate_series(1, size) AS n WINDOW so_far AS (ORDER BY n ROWS UNBOUNDED PRECEDING)) AS told;
        changes := size;
        changed_rows := size * uuid_hash(item.id)::bigint;
      END;
    ELSE
      -- The sales of an item as one change of it; `k` counts them, `running` is what they take together up to the k-th.
      WITH changed AS (
        UPDATE inventory SET
          quantity_available = quantity_available - total.quantity, quantity_sold = quantity_sold + total.quantity,
          version = version + total.changes,
          prior_updated_at = CASE WHEN total.changes = 1 THEN updated_at
                                  ELSE greatest(clock, updated_at + interval '1 us') + (total.changes - 2) * interval '1 us' END,
          updated_at = greatest(clock, updated_at + interval '1 us') + (total.changes - 1) * interval '1 us'
        FROM (
          SELECT item_id, sum(quantity) AS quantity, count(*) AS changes, array_agg(n) AS ns, array_agg(k) AS ks,
                 array_agg(running) AS runnings
          FROM (SELECT item_id, n, quantity, row_number() OVER same_item AS k, sum(quantity) OVER same_item AS running
                FROM (SELECT n, item_ids[n] AS item_id, quantities[n] AS quantity FROM generate_series(1, size) AS n) AS c
                WINDOW same_item AS (PARTITION BY item_id ORDER BY n ROWS UNBOUNDED PRECEDING)) AS asked
          GROUP BY item_id
        ) AS total
        WHERE id = total.item_id AND quantity_available >= total.quantity
        -- What was there before, and the moment of the first of the changes.
        RETURNING id, head, quantity_available + total.quantity AS available, quantity_sold - total.quantity AS sold,
                  version - total.changes AS version, updated_at - total.changes * interval '1 us' AS moment,
                  total.changes, ns, ks, runnings
      ), block AS (
        SELECT nextval('tenon.audit_log_ids') AS first_audit_id FROM (SELECT count(*) FROM changed) AS locked
      ), told AS (
        SELECT n, head, version + k AS version, moment + k * interval '1 us' AS modified,
               available - running AS available, available - running + quantities[n] AS available_before,
               sold + running AS sold, sold + running - quantities[n] AS sold_before
        FROM changed, unnest(ns, ks, runnings) AS sale (n, k, running) ORDER BY n
      )
      SELECT array_agg(head || tenon.item_tail(available, sold, version, modified)), array_agg(version), array_agg(modified),
             array_agg(tenon.item_stock(available_before, sold_before, version - 1)),
             array_agg(tenon.item_stock(available, sold, version)),
             array_agg(clock + least(lifetimes[n] * interval '1 s', lifetime_max)),
             array_agg((SELECT first_audit_id FROM block) + n - 1),
             (SELECT sum(changed.changes) FROM changed), (SELECT sum(changed.changes * uuid_hash(id)) FROM changed)
      INTO bodies, versions, moments, befores, afters, expires, audit_ids, changes, changed_rows
      FROM told;
    END IF;
    IF cardinality(bodies) IS DISTINCT FROM size THEN
      RAISE SQLSTATE 'TN004';
    END IF;

    WITH logged AS (
      INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role, request_id, idempotency_key, before, after)
      SELECT audit_ids[n], moments[n], item_ids[n], 'STOCK_DECREMENT', 'item', users[n], roles[n], request_ids[n], keys[n],
             befores[n], afters[n]
      FROM generate_series(1, size) AS n
      RETURNING id, at, entity_id
    ), batch AS MATERIALIZED (
      SELECT min(id) AS first_id, max(id) AS last_id, min(at) AS first_at, max(at) AS last_at, count(*) AS entries,
             sum(uuid_hash(entity_id)) AS rows
      FROM logged
    ), noted AS (
      INSERT INTO tenon.audit_batches SELECT pg_current_xact_id(), first_id, last_id, first_at, last_at, batch.entries FROM batch
    ), kept AS (
      INSERT INTO idempotency_keys (claim, slot, status_code, version, modified, expires_at, audit_id, request_hash, scope,
                                    user_id, key, summary)
      SELECT claims[n], open_slot, 200, versions[n], moments[n], expires[n], audit_ids[n], fingerprints[n], scopes[n],
             users[n], keys[n], bodies[n]
      FROM generate_series(1, size) AS n
      ORDER BY claims[n]  -- one order for all: two batches that share keys can't wait for each other in a ring
    )
    SELECT batch.entries, batch.rows INTO entries, entered_rows FROM batch;
    IF (entries, entered_rows) IS DISTINCT FROM (changes, changed_rows) THEN
      RAISE EXCEPTION 'the audit log does not tell of what was sold' USING ERRCODE = 'TN010';
    END IF;
    RETURN ROW(array_fill(0::smallint, ARRAY[size]), array_fill(200::smallint, ARRAY[size]), array_fill(NULL::text, ARRAY[size]),
               bodies, versions, moments, array_fill(NULL::text, ARRAY[size]), expires, audit_ids, clock)::tenon.replies;
  EXCEPTION WHEN unique_violation OR SQLSTATE 'TN004' THEN
    NULL;  -- nothing of it happened
  END;
  RETURN tenon.execute('decrement_item', claims, scopes, users, keys, fingerprints, lifetimes, roles, request_ids, ARRAY(
    SELECT jsonb_strip_nulls(jsonb_build_object('id', id, 'decrement', quantity, 'precondition', precondition))
    FROM unnest(item_ids, quantities, preconditions) WITH ORDINALITY AS c (id, quantity, precondition, n) ORDER BY n));
END
$$;

ALTER FUNCTION public.decrement_stock_atomic(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[]) OWNER TO tenon_teller;

CREATE FUNCTION public.decrement_stock_signed(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) RETURNS tenon.replies
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  refusals CONSTANT text[] := tenon.admit_signatures(users, roles, request_ids, keys, nonces, attempts, key_ids, created);
BEGIN
  IF array_remove(refusals, NULL) = '{}' THEN
    RETURN decrement_stock_atomic(claims, scopes, users, keys, fingerprints, lifetimes, roles, request_ids, item_ids,
                                  quantities, preconditions);
  END IF;
  RETURN tenon.execute_admitted('decrement_item', refusals, claims, scopes, users, keys, fingerprints, lifetimes, roles,
                                request_ids, ARRAY(
    SELECT jsonb_strip_nulls(jsonb_build_object('id', id, 'decrement', quantity, 'precondition', precondition))
    FROM unnest(item_ids, quantities, preconditions) WITH ORDINALITY AS c (id, quantity, precondition, n) ORDER BY n));
END
$$;

ALTER FUNCTION public.decrement_stock_signed(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.add_audit_months() RETURNS text[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '200ms'
    AS $$
DECLARE
  month timestamptz;
  name text;
  made text[] := '{}';
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('tenon.add_audit_months')) THEN
    RETURN made;
  END IF;
  FOR ahead IN 0..3 LOOP
    month := date_trunc('month', clock_timestamp()) + make_interval(months => ahead);
    name := to_char(month, '"audit_logs_"YYYY_MM');
    CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
    BEGIN
      PERFORM tenon.add_audit_partition(name, format('FOR VALUES FROM (%L) TO (%L)', month, month + interval '1 month'));
      made := made || name;
    EXCEPTION WHEN lock_not_available OR check_violation THEN  -- busy; or the default partition has rows of that month
      NULL;
    END;
  END LOOP;
  RETURN made;
END
$$;

ALTER FUNCTION tenon.add_audit_months() OWNER TO tenon_owner;

CREATE FUNCTION tenon.add_audit_partition(name text, bounds text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
  EXECUTE format('CREATE TABLE public.%I (LIKE public.audit_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
  EXECUTE format('ALTER TABLE public.%I ADD PRIMARY KEY (id)', name);
  PERFORM tenon.make_append_only(format('public.%I', name)::regclass, '', 'INSERT OR UPDATE OR DELETE OR TRUNCATE', '');
  EXECUTE format('ALTER TABLE public.audit_logs ATTACH PARTITION public.%I %s', name, bounds);  -- lets writers go on
END
$$;

ALTER FUNCTION tenon.add_audit_partition(name text, bounds text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.add_signing_key(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  key signing_keys;
  body text;
BEGIN
  IF (arguments ->> 'expires_at')::timestamptz <= clock_timestamp() THEN
    RETURN tenon.refused(422, 'validation_failed', 'expires_at has passed.',
                         '{"violations": [{"path": "expires_at", "rule": "must be in the future"}]}');
  END IF;
  INSERT INTO signing_keys (id, user_id, algorithm, material, label, expires_at)
  VALUES ((arguments ->> 'id')::uuid, arguments ->> 'user', arguments ->> 'algorithm', arguments ->> 'material',
          arguments ->> 'label', (arguments ->> 'expires_at')::timestamptz)
  RETURNING * INTO key;
  body := tenon.signing_key_body(key);
  RETURN ROW(201, NULL, body, NULL, key.created_at, '/api/signing-keys/' || key.id,
             tenon.audit(command, 'ADD_SIGNING_KEY', 'signing_key', key.id, NULL, body))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.add_signing_key(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.admit_signatures(users text[], roles text[], request_ids text[], keys text[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
  clock CONSTANT timestamptz := clock_timestamp();
  rules tenon.signature_rules;
  refusals text[];
  replay uuid;
BEGIN
  SELECT * INTO rules FROM tenon.signature_rules;
  WITH asked AS MATERIALIZED (
    SELECT c.nonce, c.attempt, c.key_id, c.n, tenon.signature_end(c.created, rules) AS ends, own.claim IS NULL AS is_new,
           CASE WHEN c.nonce IS NULL OR own.claim IS NOT NULL THEN NULL
                WHEN (k.user_id = c.user_id AND (k.expires_at > clock) IS NOT FALSE AND k.revoked_at IS NULL) IS NOT TRUE
                  THEN 'signature_invalid'
                WHEN (tenon.signature_end(c.created, rules) > clock AND c.created <= clock + interval '1 minute') IS NOT TRUE
                  THEN 'signature_expired'
           END AS problem
    FROM unnest(users, nonces, attempts, key_ids, created) WITH ORDINALITY
      AS c (user_id, nonce, attempt, key_id, created, n)
    LEFT JOIN signing_keys AS k ON k.id = c.key_id
    LEFT JOIN LATERAL (
      SELECT claim FROM signature_nonces WHERE claim = c.nonce AND attempt = c.attempt
      OFFSET 0  -- a fence: looked up one by one, however many nonces there were when this was planned
    ) AS own ON true
  ), taken AS (
    INSERT INTO signature_nonces AS known (claim, attempt, key_id, expires_at)
    SELECT DISTINCT ON (nonce) nonce, attempt, key_id, ends FROM asked
    WHERE nonce IS NOT NULL AND problem IS NULL ORDER BY nonce, is_new, n
    ON CONFLICT (claim) DO UPDATE
      SET attempt = excluded.attempt, key_id = excluded.key_id, expires_at = greatest(known.expires_at, excluded.expires_at)
      WHERE known.expires_at <= clock OR known.attempt = excluded.attempt
    RETURNING claim, attempt
  )
  SELECT array_agg(coalesce(asked.problem, CASE WHEN asked.nonce IS NOT NULL AND taken.attempt IS DISTINCT FROM asked.attempt
                                                THEN 'signature_replayed' END) ORDER BY n)
  INTO refusals
  FROM asked LEFT JOIN taken ON taken.claim = asked.nonce;

  FOR n IN 1 .. cardinality(refusals) LOOP
    CONTINUE WHEN refusals[n] IS DISTINCT FROM 'signature_replayed';
    INSERT INTO signature_replays (key_id, user_id, nonce_claim) VALUES (key_ids[n], users[n], nonces[n])
    RETURNING id INTO replay;
    PERFORM tenon.audit(ROW(users[n], roles[n], request_ids[n], keys[n])::tenon.command, 'SIGNATURE_REPLAYED',
                        'signature_replay', replay, NULL,
                        json_build_object('signing_key', key_ids[n], 'nonce_claim', nonces[n])::text);
  END LOOP;
  RETURN refusals;
END
$$;

ALTER FUNCTION tenon.admit_signatures(users text[], roles text[], request_ids text[], keys text[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.admit_signed(users text[], roles text[], request_ids text[], keys text[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) RETURNS TABLE(statuses smallint[], problems text[], bodies text[], versions bigint[], modified timestamp with time zone[])
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT array_agg(CASE WHEN problem IS NULL THEN 200 ELSE 401 END::smallint ORDER BY n), array_agg(problem ORDER BY n),
         array_agg('{}'::text), array_agg(NULL::bigint), array_agg(NULL::timestamptz)
  FROM unnest(tenon.admit_signatures(users, roles, request_ids, keys, nonces, attempts, key_ids, created)) WITH ORDINALITY
    AS r (problem, n)
$$;

ALTER FUNCTION tenon.admit_signed(users text[], roles text[], request_ids text[], keys text[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.audit(command tenon.command, action text, entity_kind text, entity_id uuid, before text, after text) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
  INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role, request_id, idempotency_key, before, after)
  VALUES (nextval('tenon.audit_log_ids'), clock_timestamp(), entity_id, action, entity_kind, command.user_id, command.role,
          command.request_id, command.idempotency_key, before, after)
  RETURNING id
$$;

ALTER FUNCTION tenon.audit(command tenon.command, action text, entity_kind text, entity_id uuid, before text, after text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.audit_detail(target regclass, entity_column name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = target AND attname = entity_column AND atttypid = 'uuid'::regtype
                 AND attnotnull) THEN
    RAISE EXCEPTION '% has no column "%" that is a uuid and never null', target, entity_column USING ERRCODE = 'undefined_column';
  END IF;
  EXECUTE format('CREATE CONSTRAINT TRIGGER check_detail AFTER INSERT OR UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED'
                 ' FOR EACH ROW EXECUTE FUNCTION tenon.check_detail(%L)', target, entity_column);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT'
                 ' EXECUTE FUNCTION tenon.refuse_truncate()', target);
END
$$;

ALTER FUNCTION tenon.audit_detail(target regclass, entity_column name) OWNER TO tenon_owner;

CREATE FUNCTION tenon.audit_table(target regclass, id_column name, guarded boolean DEFAULT false, but_for name DEFAULT NULL::name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
  table_name CONSTANT name := (SELECT relname FROM pg_class WHERE oid = target AND relkind = 'r' AND NOT relispartition);
  function_name CONSTANT text := 'tenon.' || quote_ident(left('note_changes_of_' || table_name, 63));
  versioned CONSTANT boolean := EXISTS (SELECT FROM pg_attribute WHERE attrelid = target AND attname = 'version'
                                        AND atttypid IN ('bigint'::regtype, 'tenon.version'::regtype) AND attnotnull);
  updated text := format('SELECT pg_current_xact_id(), count(*), sum(uuid_hash(%I)) FROM changed HAVING count(*) > 0',
                         id_column);
BEGIN
  IF table_name IS NULL THEN
    RAISE EXCEPTION '% is not a plain table', target USING ERRCODE = 'wrong_object_type';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = target AND attname = id_column AND atttypid = 'uuid'::regtype
                 AND attnotnull) THEN
    RAISE EXCEPTION '% has no column "%" that is a uuid and never null', target, id_column USING ERRCODE = 'undefined_column';
  END IF;
  IF versioned THEN
    updated := format($sql$
        SELECT pg_current_xact_id(), sum(raised), sum(((uuid_hash(id)::bigint * raised) & 2147483647)::integer)
        FROM (SELECT %1$I AS id, (version & 2147483647)::integer AS raised FROM changed
              UNION ALL SELECT %1$I, -(version & 2147483647)::integer FROM before) AS by
        HAVING count(*) > 0$sql$, id_column);
  END IF;
  EXECUTE format($sql$
    CREATE FUNCTION %1$s() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance %3$s
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(%2$I)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $function$
  $sql$, function_name, id_column, updated);
  EXECUTE format('CREATE TRIGGER note_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS changed'
                 ' FOR EACH STATEMENT EXECUTE FUNCTION %s()', target, function_name);
  EXECUTE format('CREATE TRIGGER note_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed %s'
                 ' FOR EACH STATEMENT %s EXECUTE FUNCTION %s()', target, CASE WHEN versioned THEN 'OLD TABLE AS before' END,
                 'WHEN (current_user <> ' || quote_literal(but_for) || '::text)', function_name);
  EXECUTE format('CREATE TRIGGER note_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS changed'
                 ' FOR EACH STATEMENT EXECUTE FUNCTION %s()', target, function_name);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT'
                 ' EXECUTE FUNCTION tenon.refuse_truncate()', target);
  IF NOT guarded THEN
    EXECUTE format('CREATE TRIGGER changes_count BEFORE UPDATE ON %s FOR EACH ROW WHEN (NEW.%2$I <> OLD.%2$I%3$s)'
                   ' EXECUTE FUNCTION tenon.refuse_uncounted_change()', target, id_column,
                   CASE WHEN versioned THEN ' OR NEW.version <= OLD.version' END);
  END IF;
END
$_$;

ALTER FUNCTION tenon.audit_table(target regclass, id_column name, guarded boolean, but_for name) OWNER TO tenon_owner;

CREATE FUNCTION tenon.await_replication_of_stored(claims uuid[], origins smallint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
BEGIN
  IF 1 = ANY (origins) AND current_setting('synchronous_standby_names') <> '' THEN
    PERFORM FROM idempotency_keys WHERE claim = ANY (claims) ORDER BY claim FOR KEY SHARE;
  END IF;
END
$$;

ALTER FUNCTION tenon.await_replication_of_stored(claims uuid[], origins smallint[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.begin_keyed(claim uuid, fingerprint bytea) RETURNS tenon.replies
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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

ALTER FUNCTION tenon.begin_keyed(claim uuid, fingerprint bytea) OWNER TO tenon_owner;

CREATE FUNCTION tenon.is_holdings(holdings jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT CASE WHEN jsonb_typeof(holdings) = 'array' THEN jsonb_array_length(holdings) <= 200 AND NOT EXISTS (
    SELECT FROM jsonb_array_elements(holdings) AS held
    WHERE (jsonb_typeof(held) = 'object'
           AND char_length(held ->> 'substance') BETWEEN 1 AND 100
           AND held -> 'quantity' BETWEEN '0' AND '1000000000'
           AND held -> 'purity' BETWEEN '0' AND '100'
           AND coalesce(char_length(held ->> 'batch') BETWEEN 1 AND 100, true)) IS NOT TRUE)
  ELSE false END
$$;

ALTER FUNCTION tenon.is_holdings(holdings jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.new_id() RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  now_us CONSTANT bigint := extract(epoch FROM clock_timestamp()) * 1000000;
BEGIN
  RETURN encode(overlay(uuid_send(gen_random_uuid()) PLACING
                        int8send((now_us / 1000 << 16) | (7 << 12) | (now_us % 1000 * 4096 / 1000)) FROM 1 FOR 8), 'hex')::uuid;
END
$$;

ALTER FUNCTION tenon.new_id() OWNER TO tenon_owner;

CREATE TABLE public.businesses (
    id uuid DEFAULT tenon.new_id() NOT NULL,
    name text NOT NULL,
    owner_id text NOT NULL,
    company_id text,
    category text NOT NULL,
    status text DEFAULT 'Active'::text NOT NULL,
    tax_rate numeric(5,2) DEFAULT 0 NOT NULL,
    inventory jsonb DEFAULT '[]'::jsonb NOT NULL,
    state tenon.state_code NOT NULL,
    city text NOT NULL,
    address_line text,
    postal_code text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    prior_updated_at timestamp with time zone,
    CONSTRAINT businesses_address_line_check CHECK (((char_length(address_line) >= 1) AND (char_length(address_line) <= 200))),
    CONSTRAINT businesses_category_check CHECK ((category = ANY (ARRAY['Dispensary'::text, 'Cultivation Facility'::text, 'Distribution Center'::text, 'Processing Plant'::text]))),
    CONSTRAINT businesses_city_check CHECK (((char_length(city) >= 1) AND (char_length(city) <= 120))),
    CONSTRAINT businesses_company_id_check CHECK (((char_length(company_id) >= 1) AND (char_length(company_id) <= 200))),
    CONSTRAINT businesses_inventory_check CHECK (tenon.is_holdings(inventory)),
    CONSTRAINT businesses_name_check CHECK (((char_length(name) >= 2) AND (char_length(name) <= 200))),
    CONSTRAINT businesses_owner_id_check CHECK (((char_length(owner_id) >= 1) AND (char_length(owner_id) <= 200))),
    CONSTRAINT businesses_postal_code_check CHECK (((char_length(postal_code) >= 3) AND (char_length(postal_code) <= 12))),
    CONSTRAINT businesses_status_check CHECK ((status = ANY (ARRAY['Active'::text, 'Pending'::text, 'Suspended'::text, 'Closed'::text, 'Converted'::text]))),
    CONSTRAINT businesses_tax_rate_check CHECK (((tax_rate >= (0)::numeric) AND (tax_rate <= (100)::numeric))),
    CONSTRAINT businesses_version_check CHECK ((version >= 1))
)
WITH (fillfactor='80');

ALTER TABLE public.businesses OWNER TO tenon_owner;

CREATE FUNCTION tenon.business_answer(status integer, b public.businesses, audit_id bigint) RETURNS tenon.outcome
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT ROW(status, NULL, tenon.business_body(b), b.version, b.updated_at,
             CASE WHEN status = 201 THEN '/api/business/' || b.id END, audit_id)::tenon.outcome
$$;

ALTER FUNCTION tenon.business_answer(status integer, b public.businesses, audit_id bigint) OWNER TO tenon_owner;

CREATE FUNCTION tenon.business_body(b public.businesses) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT '{"id":"' || b.id || '","name":' || to_json(b.name) || ',"ownerId":' || to_json(b.owner_id)
         || ',"companyId":' || tenon.json_text(b.company_id) || ',"category":"' || b.category || '","status":"' || b.status
         || '","taxRate":' || trim_scale(b.tax_rate) || ',"inventory":' || b.inventory
         || ',"address":{"state":"' || b.state || '","city":' || to_json(b.city)
         || ',"addressLine":' || tenon.json_text(b.address_line) || ',"postalCode":' || tenon.json_text(b.postal_code)
         || '},"version":' || b.version || ',"createdAt":"' || tenon.iso(b.created_at)
         || '","updatedAt":"' || tenon.iso(b.updated_at) || '"}'
$$;

ALTER FUNCTION tenon.business_body(b public.businesses) OWNER TO tenon_owner;

CREATE FUNCTION tenon.change_moment(last timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql
    AS $$
  SELECT greatest(clock_timestamp(), last + interval '1 microsecond')
$$;

ALTER FUNCTION tenon.change_moment(last timestamp with time zone) OWNER TO tenon_owner;

CREATE TABLE public.laundering_channels (
    id uuid DEFAULT tenon.new_id() NOT NULL,
    owner_id text NOT NULL,
    company_id text,
    method text NOT NULL,
    throughput_cap bigint NOT NULL,
    fee_percent numeric(5,2) NOT NULL,
    latency_days integer NOT NULL,
    detection_risk numeric(5,2) NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT laundering_channels_company_id_check CHECK (((char_length(company_id) >= 1) AND (char_length(company_id) <= 200))),
    CONSTRAINT laundering_channels_detection_risk_check CHECK (((detection_risk >= (0)::numeric) AND (detection_risk <= (100)::numeric))),
    CONSTRAINT laundering_channels_fee_percent_check CHECK (((fee_percent >= (0)::numeric) AND (fee_percent <= (100)::numeric))),
    CONSTRAINT laundering_channels_latency_days_check CHECK (((latency_days >= 0) AND (latency_days <= 36500))),
    CONSTRAINT laundering_channels_method_check CHECK ((method = ANY (ARRAY['Shell'::text, 'CashBiz'::text, 'Crypto'::text, 'TradeBased'::text, 'Counterfeit'::text]))),
    CONSTRAINT laundering_channels_owner_id_check CHECK (((char_length(owner_id) >= 1) AND (char_length(owner_id) <= 200))),
    CONSTRAINT laundering_channels_throughput_cap_check CHECK (((throughput_cap >= 1) AND (throughput_cap <= '1000000000000'::bigint))),
    CONSTRAINT laundering_channels_version_check CHECK ((version >= 1))
);

ALTER TABLE public.laundering_channels OWNER TO tenon_owner;

CREATE FUNCTION tenon.channel_body(c public.laundering_channels) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT '{"id":"' || c.id || '","ownerId":' || to_json(c.owner_id) || ',"companyId":' || tenon.json_text(c.company_id)
         || ',"method":"' || c.method || '","throughputCap":' || c.throughput_cap
         || ',"feePercent":' || trim_scale(c.fee_percent) || ',"latencyDays":' || c.latency_days
         || ',"detectionRisk":' || trim_scale(c.detection_risk) || ',"version":' || c.version
         || ',"createdAt":"' || tenon.iso(c.created_at) || '","updatedAt":"' || tenon.iso(c.updated_at) || '"}'
$$;

ALTER FUNCTION tenon.channel_body(c public.laundering_channels) OWNER TO tenon_owner;

CREATE FUNCTION tenon.check_audit_balance() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  rest record;
BEGIN
  DELETE FROM tenon.audit_balance WHERE transaction_id = pg_current_xact_id()
  RETURNING changes & 2147483647 AS changes, digest & 2147483647 AS digest INTO rest;
  IF rest.changes = 0 AND rest.digest = 0 THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit log does not tell of what was changed'
    USING ERRCODE = 'TN010',
          DETAIL = CASE WHEN rest.changes = 0 THEN 'Some entries are of other rows than those that were changed.'
                        WHEN rest.changes < 1073741824 THEN format('There are %s more changes than entries.', rest.changes)
                        ELSE format('There are %s more entries than changes.', 2147483648 - rest.changes) END,
          HINT = 'Each change of an audited row has one entry, under the row''s id.';
END
$$;

ALTER FUNCTION tenon.check_audit_balance() OWNER TO tenon_owner;

CREATE FUNCTION tenon.check_detail() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
  entity uuid;
BEGIN
  FOR entity IN
    SELECT (touched ->> TG_ARGV[0])::uuid
    FROM unnest(ARRAY[CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END,
                      CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END]) AS touched
    WHERE touched IS NOT NULL
  LOOP
    PERFORM FROM public.audit_logs WHERE entity_id = entity AND transaction_id = pg_current_xact_id() ORDER BY id DESC LIMIT 1;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'a row of % was changed, and the audit log has no entry of %', TG_TABLE_NAME, entity USING ERRCODE = 'TN010';
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;

ALTER FUNCTION tenon.check_detail() OWNER TO tenon_owner;

CREATE FUNCTION tenon.conversion_name(arguments jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
  SELECT coalesce(arguments #>> '{licenseApplicationData,businessName}',
                  (arguments ->> 'substance') || ' ' || (arguments ->> 'newBusinessType'))
$$;

ALTER FUNCTION tenon.conversion_name(arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.convert_facility(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old facilities;
  new facilities;
  law legislation;
  business businesses;
  moved jsonb;
  illegal numeric;
  legal numeric;
  converted_at CONSTANT timestamptz := clock_timestamp();
  business_audit_id bigint;
BEGIN
  SELECT * INTO old FROM facilities WHERE id = (arguments ->> 'facilityId')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.refused(404, 'not_found', 'There is no facility ' || (arguments ->> 'facilityId') || '.');
  END IF;
  IF command.user_id <> old.owner_id THEN  -- an admin too: what comes of it belongs to the owner
    RETURN tenon.not_owner('Only its owner may convert a facility.');
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  IF old.status <> 'Active' THEN
    RETURN tenon.refused(409, 'not_active', 'The facility is ' || old.status || '.',
                         jsonb_build_object('facilityStatus', old.status));
  END IF;
  SELECT * INTO law FROM legislation WHERE substance = arguments ->> 'substance' AND jurisdiction_id = old.state;
  IF NOT FOUND OR NOT tenon.is_convertible(law, (converted_at AT TIME ZONE 'UTC')::date) THEN
    RETURN tenon.refused(422, 'not_convertible',
                         (arguments ->> 'substance') || ' is ' || coalesce(law.status, 'Illegal') || ' in ' || old.state
                           || ', or that law is not in force today.',
                         jsonb_build_object('substance', arguments ->> 'substance', 'state', old.state,
                                            'legalStatus', coalesce(law.status, 'Illegal')));
  END IF;

  INSERT INTO businesses (name, owner_id, company_id, category, tax_rate, inventory, state, city)
  VALUES (tenon.conversion_name(arguments), old.owner_id, old.company_id, arguments ->> 'newBusinessType', law.tax_rate,
          old.inventory, old.state, old.city)
  ON CONFLICT ON CONSTRAINT one_name_per_owner DO NOTHING
  RETURNING * INTO business;
  IF NOT FOUND THEN
    RETURN tenon.name_taken(old.owner_id, tenon.conversion_name(arguments));
  END IF;
  UPDATE facilities SET
    status = 'Converted', inventory = '[]',
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;

  moved := tenon.valued_holdings(old.inventory);
  SELECT coalesce(sum((m ->> 'illegalValue')::numeric), 0), coalesce(sum((m ->> 'legalValue')::numeric), 0)
  INTO illegal, legal FROM jsonb_array_elements(moved) AS m;
  INSERT INTO facility_conversions (facility_id, business_id, owner_id, substance, new_business_type, legal_status, tax_rate,
                                    inventory, illegal_value, legal_value, license_application, converted_at)
  VALUES (old.id, business.id, old.owner_id, arguments ->> 'substance', arguments ->> 'newBusinessType', law.status,
          law.tax_rate, moved, illegal, legal, arguments -> 'licenseApplicationData', converted_at);

  business_audit_id := tenon.audit(command, 'CREATE_BUSINESS', 'business', business.id, NULL, tenon.business_body(business));
  PERFORM tenon.audit(command, 'CONVERT_FACILITY', 'facility', new.id, tenon.facility_body(old), tenon.facility_body(new));
  RETURN ROW(201, NULL,
             '{"convertedFacilityId":"' || new.id || '","businessId":"' || business.id
               || '","conversionDetails":{"substance":' || to_json(law.substance) || ',"oldStatus":"' || old.status
               || '","newBusinessType":"' || business.category || '","legalStatus":"' || law.status
               || '","taxRate":' || trim_scale(law.tax_rate) || ',"estimatedAnnualRevenue":' || 12 * legal
               || '},"inventoryTransferred":' || moved || ',"conversionDate":"' || tenon.iso(converted_at) || '"}',
             new.version, new.updated_at, '/api/business/' || business.id, business_audit_id)::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.convert_facility(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.create_business(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  new businesses;
BEGIN
  INSERT INTO businesses (name, owner_id, company_id, category, status, tax_rate, inventory, state, city, address_line, postal_code)
  VALUES (arguments ->> 'name', arguments ->> 'ownerId', arguments ->> 'companyId', arguments ->> 'category',
          coalesce(arguments ->> 'status', 'Active'), coalesce((arguments ->> 'taxRate')::numeric, 0),
          coalesce(arguments -> 'inventory', '[]'), arguments #>> '{address,state}', arguments #>> '{address,city}',
          arguments #>> '{address,addressLine}', arguments #>> '{address,postalCode}')
  ON CONFLICT ON CONSTRAINT one_name_per_owner DO NOTHING
  RETURNING * INTO new;
  IF NOT FOUND THEN
    RETURN tenon.name_taken(arguments ->> 'ownerId', arguments ->> 'name');
  END IF;
  RETURN tenon.business_answer(
    201, new, tenon.audit(command, 'CREATE_BUSINESS', 'business', new.id, NULL, tenon.business_body(new)));
END
$$;

ALTER FUNCTION tenon.create_business(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.create_channel(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  new laundering_channels;
  body text;
BEGIN
  INSERT INTO laundering_channels (owner_id, company_id, method, throughput_cap, fee_percent, latency_days, detection_risk)
  VALUES (command.user_id, arguments ->> 'companyId', arguments ->> 'method', (arguments ->> 'throughputCap')::bigint,
          (arguments ->> 'feePercent')::numeric, (arguments ->> 'latencyDays')::integer,
          (arguments ->> 'detectionRisk')::numeric)
  RETURNING * INTO new;
  body := tenon.channel_body(new);
  RETURN ROW(201, NULL, body, new.version, new.updated_at, NULL,
             tenon.audit(command, 'CREATE_CHANNEL', 'laundering_channel', new.id, NULL, body))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.create_channel(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.create_facility(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  new facilities;
  body text;
BEGIN
  INSERT INTO facilities (owner_id, company_id, type, state, city, capacity, quality, suspicion_level, status, inventory)
  VALUES (command.user_id, arguments ->> 'companyId', arguments ->> 'type', arguments #>> '{location,state}',
          arguments #>> '{location,city}', (arguments ->> 'capacity')::bigint,
          coalesce((arguments ->> 'quality')::numeric, 50), coalesce((arguments ->> 'suspicionLevel')::numeric, 0),
          coalesce(arguments ->> 'status', 'Active'), coalesce(arguments -> 'inventory', '[]'))
  RETURNING * INTO new;
  body := tenon.facility_body(new);
  RETURN ROW(201, NULL, body, new.version, new.updated_at, NULL,
             tenon.audit(command, 'CREATE_FACILITY', 'facility', new.id, NULL, body))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.create_facility(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.create_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  item inventory;
  received bigint := coalesce((arguments ->> 'quantity_available')::bigint, 0);
  body text;
BEGIN
  INSERT INTO inventory (name, origin, price, image_url, quantity_available, quantity_received)
  VALUES (arguments ->> 'name', arguments ->> 'origin', (arguments ->> 'price')::numeric, arguments ->> 'image_url',
          received, received)
  RETURNING * INTO item;
  body := tenon.item_body(item);
  RETURN tenon.item_answer(201, item, tenon.audit(command, 'CREATE_ITEM', 'item', item.id, NULL, body));
END
$$;

ALTER FUNCTION tenon.create_item(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.create_market_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  new market_items;
  body text;
BEGIN
  INSERT INTO market_items (seller_id, category, item_name, description, price_per_unit, state, city, risk_score, status,
                            quantity_listed, quantity)
  VALUES (command.user_id, arguments ->> 'category', arguments ->> 'itemName', arguments ->> 'description',
          (arguments ->> 'pricePerUnit')::numeric, arguments #>> '{location,state}', arguments #>> '{location,city}',
          coalesce((arguments ->> 'riskScore')::numeric, 50), coalesce(arguments ->> 'status', 'Active'),
          (arguments ->> 'quantity')::integer, (arguments ->> 'quantity')::integer)
  RETURNING * INTO new;
  body := tenon.market_item_body(new);
  RETURN ROW(201, NULL, body, new.version, new.updated_at, '/api/crime/black-market/' || new.id,
             tenon.audit(command, 'CREATE_MARKET_ITEM', 'market_item', new.id, NULL, body))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.create_market_item(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.create_order(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
  order_id CONSTANT uuid := tenon.new_id();
  clock CONSTANT timestamptz := clock_timestamp();
  unknown jsonb;
  short jsonb;
  lines text;
  total numeric;
  first_audit_id bigint;
BEGIN
  IF EXISTS (SELECT FROM jsonb_array_elements(arguments -> 'lines') AS line
             WHERE (line ->> 'quantity')::integer >= 1 IS NOT TRUE) THEN
    RAISE EXCEPTION 'a line is of at least one piece' USING ERRCODE = 'check_violation';
  END IF;
  PERFORM FROM inventory
  WHERE id = ANY (ARRAY(SELECT (line ->> 'item_id')::uuid FROM jsonb_array_elements(arguments -> 'lines') AS line))
  ORDER BY id FOR UPDATE;

  SELECT jsonb_agg(jsonb_build_object('line', n - 1, 'item_id', item_id) ORDER BY n) FILTER (WHERE available IS NULL),
         jsonb_agg(jsonb_build_object('line', n - 1, 'item_id', item_id, 'requested', quantity,
                                      'available', greatest(available - earlier, 0)) ORDER BY n)
           FILTER (WHERE available - earlier < quantity)
  INTO unknown, short
  FROM (
    SELECT n, item_id, quantity, quantity_available AS available,
           sum(quantity) OVER (PARTITION BY item_id ORDER BY n) - quantity AS earlier
    FROM ROWS FROM (jsonb_to_recordset(arguments -> 'lines') AS (item_id uuid, quantity integer)) WITH ORDINALITY
      AS line (item_id, quantity, n)
    LEFT JOIN inventory ON id = item_id) AS wanted;
  IF unknown IS NOT NULL THEN
    RETURN tenon.refused(404, 'not_found', 'Some lines name items that do not exist.', jsonb_build_object('lines', unknown));
  END IF;
  IF short IS NOT NULL THEN
    RETURN tenon.refused(409, 'insufficient_stock', 'Some lines ask for more than there is.', jsonb_build_object('lines', short));
  END IF;

  first_audit_id := nextval('tenon.audit_log_ids');
  WITH line AS (
    SELECT *, row_number() OVER same_item AS k, sum(quantity) OVER same_item AS running
    FROM ROWS FROM (jsonb_to_recordset(arguments -> 'lines') AS (item_id uuid, quantity integer)) WITH ORDINALITY
      AS given (item_id, quantity, n)
    WINDOW same_item AS (PARTITION BY item_id ORDER BY n)
  ), changed AS (
    UPDATE inventory SET
      quantity_available = quantity_available - asked.total, quantity_sold = quantity_sold + asked.total,
      version = version + asked.changes,
      prior_updated_at = CASE WHEN asked.changes = 1 THEN updated_at
                              ELSE greatest(clock, updated_at + interval '1 us') + (asked.changes - 2) * interval '1 us' END,
      updated_at = greatest(clock, updated_at + interval '1 us') + (asked.changes - 1) * interval '1 us'
    FROM (SELECT item_id, sum(quantity) AS total, count(*) AS changes FROM line GROUP BY item_id) AS asked
    WHERE id = asked.item_id
    RETURNING id, name, price, quantity_available + asked.total AS available, quantity_sold - asked.total AS sold,
              version - asked.changes AS version
  ), sold AS (
    SELECT line.n, line.item_id, line.quantity, changed.name, changed.price, changed.available - line.running AS available,
           changed.available - line.running + line.quantity AS available_before,
           changed.sold + line.running AS sold_after, changed.version + line.k AS version_after
    FROM line JOIN changed ON changed.id = line.item_id
  ), entry AS (
    INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role, request_id, idempotency_key, before, after)
    SELECT first_audit_id + n - 1, clock, item_id, 'STOCK_DECREMENT', 'item', command.user_id, command.role,
           command.request_id, command.idempotency_key,
           tenon.item_stock(available_before, sold_after - quantity, version_after - 1),
           left(tenon.item_stock(available, sold_after, version_after), -1) || ',"order_id":"' || order_id || '"}'
    FROM sold ORDER BY n
  )
  SELECT string_agg(tenon.order_line(item_id, name, quantity, price, available), ',' ORDER BY n), sum(price * quantity)
  INTO lines, total
  FROM sold;
  RETURN ROW(201, NULL, tenon.order_body(order_id, lines, total, clock), NULL, NULL, NULL, first_audit_id)::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.create_order(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.create_orders(users text[], roles text[], request_ids text[], keys text[], arguments jsonb[]) RETURNS SETOF tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashagg TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
  clock CONSTANT timestamptz := clock_timestamp();
  first_audit_id bigint;
  orders integer[];
  items uuid[];
  quantities integer[];
  answers tenon.outcome[];
  lines_sold bigint;
BEGIN
  SELECT array_agg(o), array_agg(item_id), array_agg(quantity) INTO orders, items, quantities
  FROM unnest(arguments) WITH ORDINALITY AS a (argument, o),
       jsonb_to_recordset(argument -> 'lines') AS line (item_id uuid, quantity integer);
  IF (1 <= ALL (quantities)) IS NOT TRUE OR cardinality(items) > 1024 THEN  -- more than a block of audit ids
    RAISE SQLSTATE 'TN004';
  END IF;
  first_audit_id := nextval('tenon.audit_log_ids');
  WITH asked AS MATERIALIZED (
    SELECT o, item_id, n, quantity, row_number() OVER same_item AS k, sum(quantity) OVER same_item AS running
    FROM unnest(orders, items, quantities) WITH ORDINALITY AS c (o, item_id, quantity, n)
    WINDOW same_item AS (PARTITION BY item_id ORDER BY n)
  ), changed AS (
    UPDATE inventory SET
      quantity_available = quantity_available - total.quantity, quantity_sold = quantity_sold + total.quantity,
      version = version + total.changes,
      prior_updated_at = CASE WHEN total.changes = 1 THEN updated_at
                              ELSE greatest(clock, updated_at + interval '1 us') + (total.changes - 2) * interval '1 us' END,
      updated_at = greatest(clock, updated_at + interval '1 us') + (total.changes - 1) * interval '1 us'
    FROM (SELECT item_id, sum(quantity) AS quantity, count(*) AS changes FROM asked GROUP BY item_id) AS total
    WHERE id = total.item_id AND quantity_available >= total.quantity
    RETURNING id, name, price, quantity_available + total.quantity AS available, quantity_sold - total.quantity AS sold,
              version - total.changes AS version
  ), told AS MATERIALIZED (
    SELECT o, n, item_id, quantity, name, price, version + k AS version, available - running AS available,
           available - running + quantity AS available_before, sold + running AS sold, sold + running - quantity AS sold_before
    FROM asked JOIN changed ON id = item_id ORDER BY n
  ), numbered AS MATERIALIZED (
    SELECT n AS o, tenon.new_id() AS order_id FROM generate_series(1, cardinality(arguments)) AS n
  ), entry AS (
    INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role, request_id, idempotency_key, before, after)
    SELECT first_audit_id + n - 1, clock, item_id, 'STOCK_DECREMENT', 'item', users[o], roles[o], request_ids[o], keys[o],
           tenon.item_stock(available_before, sold_before, version - 1),
           left(tenon.item_stock(available, sold, version), -1) || ',"order_id":"' || order_id || '"}'
    FROM told JOIN numbered USING (o)
  )
  SELECT array_agg(ROW(201, NULL, tenon.order_body(order_id, lines, total, clock), NULL, NULL, NULL,
                       first_audit_id + first - 1)::tenon.outcome ORDER BY o),
         (SELECT count(*) FROM told)
  INTO answers, lines_sold
  FROM (SELECT o, min(n) AS first, sum(price * quantity) AS total,
               string_agg(tenon.order_line(item_id, name, quantity, price, available), ',' ORDER BY n) AS lines
        FROM told GROUP BY o) AS an_order
  JOIN numbered USING (o);
  IF lines_sold < cardinality(items) THEN  -- an item that is not there, or not enough of it
    RAISE SQLSTATE 'TN004';
  END IF;
  RETURN QUERY SELECT * FROM unnest(answers);
END
$$;

ALTER FUNCTION tenon.create_orders(users text[], roles text[], request_ids text[], keys text[], arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.decrement_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old inventory;
  new inventory;
  quantity CONSTANT bigint := (arguments ->> 'decrement')::bigint;
BEGIN
  SELECT * INTO old FROM inventory WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.no_such_item((arguments ->> 'id')::uuid);
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  IF old.quantity_available < quantity THEN
    RETURN tenon.refused(409, 'insufficient_stock',
                         format('%s requested, %s available.', quantity, old.quantity_available),
                         jsonb_build_object('available', old.quantity_available, 'requested', quantity));
  END IF;
  UPDATE inventory SET
    quantity_available = quantity_available - quantity, quantity_sold = quantity_sold + quantity,
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN tenon.item_answer(200, new, tenon.audit(
    command, 'STOCK_DECREMENT', 'item', new.id,
    tenon.item_stock(old.quantity_available, old.quantity_sold, old.version),
    tenon.item_stock(new.quantity_available, new.quantity_sold, new.version)));
END
$$;

ALTER FUNCTION tenon.decrement_item(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.delete_business(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old businesses;
BEGIN
  SELECT * INTO old FROM businesses WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.stale_or_gone('There is no business ' || (arguments ->> 'id') || '.');
  END IF;
  IF NOT tenon.owns(command, old.owner_id) THEN
    RETURN tenon.not_owner('Only its owner or an admin may delete a business.');
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  DELETE FROM businesses WHERE id = old.id;
  RETURN ROW(204, NULL, '', NULL, NULL, NULL,
             tenon.audit(command, 'DELETE_BUSINESS', 'business', old.id, tenon.business_body(old), NULL))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.delete_business(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.delete_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old inventory;
BEGIN
  SELECT * INTO old FROM inventory WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.no_such_item((arguments ->> 'id')::uuid);
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  DELETE FROM inventory WHERE id = old.id;
  RETURN ROW(204, NULL, '', NULL, NULL, NULL,
             tenon.audit(command, 'DELETE_ITEM', 'item', old.id, tenon.item_body(old), NULL))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.delete_item(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.ensure_key_lifetime(wanted interval) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION tenon.ensure_key_lifetime(wanted interval) OWNER TO tenon_owner;

CREATE FUNCTION tenon.ensure_signature_window(wanted interval) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
  IF wanted > interval '1 day' OR wanted <= interval '0' THEN
    RAISE EXCEPTION 'a signature is good for up to a day, not for %', wanted USING ERRCODE = 'invalid_parameter_value';
  END IF;
  UPDATE tenon.signature_rules SET
    -- Once the last change is longer ago than its own window, everything older is dead anyway. The first one breaks no
    -- promise.
    window_before = CASE WHEN window_max = '0' THEN wanted
                         WHEN clock_timestamp() > raised_at + window_max THEN window_max
                         ELSE least(window_before, window_max) END,
    -- A minute that `created` may be ahead (admit_signatures), and one for transactions that began meanwhile and do not see
    -- this one's COMMIT.
    raised_at = CASE WHEN window_max = '0' THEN '-infinity' ELSE clock_timestamp() + interval '2 minutes' END,
    window_max = wanted
  WHERE window_max < wanted;
END
$$;

ALTER FUNCTION tenon.ensure_signature_window(wanted interval) OWNER TO tenon_owner;

CREATE FUNCTION tenon.execute(operation text, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) RETURNS tenon.replies
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $_$
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
$_$;

ALTER FUNCTION tenon.execute(operation text, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.execute_admitted(operation text, refusals text[], claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) RETURNS tenon.replies
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  admitted CONSTANT integer[] := ARRAY(
    SELECT n FROM unnest(refusals) WITH ORDINALITY AS r (problem, n) WHERE problem IS NULL ORDER BY n);
  ran tenon.replies;
  replies tenon.replies;
BEGIN
  IF admitted <> '{}' THEN
    ran := tenon.execute(operation,
      ARRAY(SELECT claims[n] FROM unnest(admitted) AS n), ARRAY(SELECT scopes[n] FROM unnest(admitted) AS n),
      ARRAY(SELECT users[n] FROM unnest(admitted) AS n), ARRAY(SELECT keys[n] FROM unnest(admitted) AS n),
      ARRAY(SELECT fingerprints[n] FROM unnest(admitted) AS n), ARRAY(SELECT lifetimes[n] FROM unnest(admitted) AS n),
      ARRAY(SELECT roles[n] FROM unnest(admitted) AS n), ARRAY(SELECT request_ids[n] FROM unnest(admitted) AS n),
      ARRAY(SELECT arguments[n] FROM unnest(admitted) AS n));
  END IF;
  SELECT array_agg(coalesce((ran).origins[k], 0::smallint) ORDER BY n), array_agg(coalesce((ran).statuses[k], 401::smallint) ORDER BY n),
         array_agg(coalesce(refusal, (ran).problems[k]) ORDER BY n), array_agg(coalesce((ran).bodies[k], '{}') ORDER BY n),
         array_agg((ran).versions[k] ORDER BY n), array_agg((ran).modified[k] ORDER BY n),
         array_agg((ran).locations[k] ORDER BY n), array_agg((ran).expires[k] ORDER BY n),
         array_agg((ran).audit_ids[k] ORDER BY n), clock_timestamp()
  INTO replies
  FROM (SELECT n, r.refusal, CASE WHEN r.refusal IS NULL THEN count(*) FILTER (WHERE r.refusal IS NULL) OVER (ORDER BY n) END AS k
        FROM unnest(refusals) WITH ORDINALITY AS r (refusal, n)) AS u;
  RETURN replies;
END
$$;

ALTER FUNCTION tenon.execute_admitted(operation text, refusals text[], claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.execute_at_once(batch regproc, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) RETURNS tenon.replies
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $_$
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
$_$;

ALTER FUNCTION tenon.execute_at_once(batch regproc, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.execute_signed(operation text, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) RETURNS tenon.replies
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  refusals CONSTANT text[] := tenon.admit_signatures(users, roles, request_ids, keys, nonces, attempts, key_ids, created);
BEGIN
  IF array_remove(refusals, NULL) = '{}' THEN
    RETURN tenon.execute(operation, claims, scopes, users, keys, fingerprints, lifetimes, roles, request_ids, arguments);
  END IF;
  RETURN tenon.execute_admitted(operation, refusals, claims, scopes, users, keys, fingerprints, lifetimes, roles, request_ids,
                                arguments);
END
$$;

ALTER FUNCTION tenon.execute_signed(operation text, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) OWNER TO tenon_owner;

CREATE TABLE public.facilities (
    id uuid DEFAULT tenon.new_id() NOT NULL,
    owner_id text NOT NULL,
    company_id text,
    type text NOT NULL,
    state tenon.state_code NOT NULL,
    city text NOT NULL,
    capacity bigint NOT NULL,
    quality numeric(5,2) DEFAULT 50 NOT NULL,
    suspicion_level numeric(5,2) DEFAULT 0 NOT NULL,
    status text DEFAULT 'Active'::text NOT NULL,
    inventory jsonb DEFAULT '[]'::jsonb NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    prior_updated_at timestamp with time zone,
    CONSTRAINT converted_means_emptied CHECK (((status <> 'Converted'::text) OR (inventory = '[]'::jsonb))),
    CONSTRAINT facilities_capacity_check CHECK (((capacity >= 1) AND (capacity <= '1000000000000'::bigint))),
    CONSTRAINT facilities_city_check CHECK (((char_length(city) >= 1) AND (char_length(city) <= 120))),
    CONSTRAINT facilities_company_id_check CHECK (((char_length(company_id) >= 1) AND (char_length(company_id) <= 200))),
    CONSTRAINT facilities_inventory_check CHECK (tenon.is_holdings(inventory)),
    CONSTRAINT facilities_owner_id_check CHECK (((char_length(owner_id) >= 1) AND (char_length(owner_id) <= 200))),
    CONSTRAINT facilities_quality_check CHECK (((quality >= (0)::numeric) AND (quality <= (100)::numeric))),
    CONSTRAINT facilities_status_check CHECK ((status = ANY (ARRAY['Active'::text, 'Raided'::text, 'Abandoned'::text, 'Seized'::text, 'Converted'::text]))),
    CONSTRAINT facilities_suspicion_level_check CHECK (((suspicion_level >= (0)::numeric) AND (suspicion_level <= (100)::numeric))),
    CONSTRAINT facilities_type_check CHECK ((type = ANY (ARRAY['Lab'::text, 'Farm'::text, 'Warehouse'::text]))),
    CONSTRAINT facilities_version_check CHECK ((version >= 1))
);

ALTER TABLE public.facilities OWNER TO tenon_owner;

CREATE FUNCTION tenon.facility_body(f public.facilities) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT '{"id":"' || f.id || '","ownerId":' || to_json(f.owner_id) || ',"companyId":' || tenon.json_text(f.company_id)
         || ',"type":"' || f.type || '","location":' || tenon.location_body(f.state, f.city) || ',"capacity":' || f.capacity
         || ',"quality":' || trim_scale(f.quality) || ',"suspicionLevel":' || trim_scale(f.suspicion_level)
         || ',"status":"' || f.status || '","inventory":' || f.inventory || ',"version":' || f.version
         || ',"createdAt":"' || tenon.iso(f.created_at) || '","updatedAt":"' || tenon.iso(f.updated_at) || '"}'
$$;

ALTER FUNCTION tenon.facility_body(f public.facilities) OWNER TO tenon_owner;

CREATE FUNCTION tenon.forget_expired(claims uuid[], clock timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
  DELETE FROM idempotency_keys WHERE claim = ANY (claims) AND expires_at <= clock
$$;

ALTER FUNCTION tenon.forget_expired(claims uuid[], clock timestamp with time zone) OWNER TO tenon_owner;

CREATE FUNCTION tenon.forget_nonces() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
  WITH gone AS (
    DELETE FROM signature_nonces WHERE claim IN (
      SELECT claim FROM signature_nonces WHERE expires_at < clock_timestamp() - interval '1 minute'
      ORDER BY expires_at LIMIT 10000 FOR UPDATE SKIP LOCKED)
    RETURNING 1)
  SELECT count(*) FROM gone
$$;

ALTER FUNCTION tenon.forget_nonces() OWNER TO tenon_owner;

CREATE FUNCTION tenon.hold_key_generation() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
  LOCK TABLE tenon.key_generation IN ROW SHARE MODE;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'keys are held at read committed, not at %', current_setting('transaction_isolation')
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
END
$$;

ALTER FUNCTION tenon.hold_key_generation() OWNER TO tenon_owner;

CREATE FUNCTION tenon.increment_stock(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old inventory;
  new inventory;
  quantity CONSTANT bigint := (arguments ->> 'increment')::bigint;
BEGIN
  SELECT * INTO old FROM inventory WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.no_such_item((arguments ->> 'id')::uuid);
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  IF old.quantity_received > 9007199254740991 - quantity THEN
    RETURN tenon.refused(409, 'stock_limit', 'No item holds more than 9007199254740991 pieces, sold ones included.');
  END IF;
  UPDATE inventory SET
    quantity_available = quantity_available + quantity, quantity_received = quantity_received + quantity,
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN tenon.item_answer(200, new, tenon.audit(
    command, 'STOCK_INCREMENT', 'item', new.id,
    tenon.item_stock(old.quantity_available, old.quantity_sold, old.version),
    tenon.item_stock(new.quantity_available, new.quantity_sold, new.version)));
END
$$;

ALTER FUNCTION tenon.increment_stock(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE TABLE public.legislation (
    id uuid DEFAULT tenon.new_id() NOT NULL,
    substance text NOT NULL,
    jurisdiction text DEFAULT 'State'::text NOT NULL,
    jurisdiction_id tenon.state_code NOT NULL,
    status text NOT NULL,
    tax_rate numeric(5,2) NOT NULL,
    effective_date date NOT NULL,
    sunset_date date,
    version bigint DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    prior_updated_at timestamp with time zone,
    CONSTRAINT legislation_jurisdiction_check CHECK ((jurisdiction = 'State'::text)),
    CONSTRAINT legislation_status_check CHECK ((status = ANY (ARRAY['Illegal'::text, 'Decriminalized'::text, 'Medical'::text, 'Recreational'::text]))),
    CONSTRAINT legislation_substance_check CHECK (((char_length(substance) >= 1) AND (char_length(substance) <= 100))),
    CONSTRAINT legislation_tax_rate_check CHECK (((tax_rate >= (0)::numeric) AND (tax_rate <= (100)::numeric))),
    CONSTRAINT legislation_version_check CHECK ((version >= 1)),
    CONSTRAINT sunset_after_effect CHECK ((sunset_date >= effective_date))
);

ALTER TABLE public.legislation OWNER TO tenon_owner;

CREATE FUNCTION tenon.is_convertible(law public.legislation, today date) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
  SELECT law.status IN ('Medical', 'Recreational') AND law.effective_date <= today
         AND coalesce(today <= law.sunset_date, true)
$$;

ALTER FUNCTION tenon.is_convertible(law public.legislation, today date) OWNER TO tenon_owner;

CREATE FUNCTION tenon.iso(at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

ALTER FUNCTION tenon.iso(at timestamp with time zone) OWNER TO tenon_owner;

CREATE FUNCTION tenon.item_head(id uuid, name text, origin text, price numeric, image_url text, created_at timestamp with time zone) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT '{"id":"' || id || '","name":' || to_json(name) || ',"origin":' || coalesce(to_json(origin)::text, 'null')
         || ',"price":' || price || ',"image_url":' || coalesce(to_json(image_url)::text, 'null')
         || ',"created_at":"' || tenon.iso(created_at) || '"'
$$;

ALTER FUNCTION tenon.item_head(id uuid, name text, origin text, price numeric, image_url text, created_at timestamp with time zone) OWNER TO tenon_owner;

CREATE TABLE public.inventory (
    id uuid DEFAULT tenon.new_id() NOT NULL,
    name tenon.item_name NOT NULL,
    origin tenon.item_origin,
    price tenon.item_price NOT NULL,
    image_url tenon.image_url,
    quantity_available tenon.pieces DEFAULT 0 NOT NULL,
    quantity_sold tenon.pieces DEFAULT 0 NOT NULL,
    quantity_received tenon.pieces NOT NULL,
    version tenon.version DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    prior_updated_at timestamp with time zone,
    head text GENERATED ALWAYS AS (tenon.item_head(id, (name)::text, (origin)::text, (price)::numeric, (image_url)::text, created_at)) STORED NOT NULL,
    CONSTRAINT stock_adds_up CHECK ((((quantity_available)::bigint + (quantity_sold)::bigint) = (quantity_received)::bigint))
)
WITH (fillfactor='70');

ALTER TABLE public.inventory OWNER TO tenon_owner;

CREATE FUNCTION tenon.item_answer(status integer, item public.inventory, audit_id bigint) RETURNS tenon.outcome
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT ROW(status, NULL, tenon.item_body(item), item.version, item.updated_at,
             CASE WHEN status = 201 THEN '/api/inventory/' || item.id END, audit_id)::tenon.outcome
$$;

ALTER FUNCTION tenon.item_answer(status integer, item public.inventory, audit_id bigint) OWNER TO tenon_owner;

CREATE FUNCTION tenon.item_body(item public.inventory) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT item.head
         || tenon.item_tail(item.quantity_available, item.quantity_sold, item.version, item.updated_at)
$$;

ALTER FUNCTION tenon.item_body(item public.inventory) OWNER TO tenon_owner;

CREATE FUNCTION tenon.item_stock(available bigint, sold bigint, version bigint) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT concat('{"quantity_available":', available, ',"quantity_sold":', sold, ',"version":', version, '}')
$$;

ALTER FUNCTION tenon.item_stock(available bigint, sold bigint, version bigint) OWNER TO tenon_owner;

CREATE FUNCTION tenon.item_tail(available bigint, sold bigint, version bigint, updated_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT concat(',"quantity_available":', available, ',"quantity_sold":', sold, ',"version":', version,
                ',"updated_at":"', tenon.iso(updated_at), '"}')
$$;

ALTER FUNCTION tenon.item_tail(available bigint, sold bigint, version bigint, updated_at timestamp with time zone) OWNER TO tenon_owner;

CREATE FUNCTION tenon.json_text(value text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT coalesce(to_json(value)::text, 'null')
$$;

ALTER FUNCTION tenon.json_text(value text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.keep_reply(claim uuid, scope text, user_id text, key text, fingerprint bytea, lifetime integer, status integer, problem text, body text, version bigint, modified timestamp with time zone, location text) RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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

ALTER FUNCTION tenon.keep_reply(claim uuid, scope text, user_id text, key text, fingerprint bytea, lifetime integer, status integer, problem text, body text, version bigint, modified timestamp with time zone, location text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.legislation_body(law public.legislation) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT '{"substance":' || to_json(law.substance) || ',"jurisdiction":"' || law.jurisdiction
         || '","jurisdictionId":"' || law.jurisdiction_id || '","status":"' || law.status
         || '","taxRate":' || trim_scale(law.tax_rate) || ',"effectiveDate":"' || law.effective_date
         || '","sunsetDate":' || tenon.json_text(law.sunset_date::text) || ',"version":' || law.version
         || ',"updatedAt":"' || tenon.iso(law.updated_at) || '"}'
$$;

ALTER FUNCTION tenon.legislation_body(law public.legislation) OWNER TO tenon_owner;

CREATE FUNCTION tenon.lift_revocation(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old token_revocations;
  new token_revocations;
BEGIN
  SELECT * INTO old FROM token_revocations WHERE id = (arguments ->> 'id')::uuid AND NOT lifted FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.refused(404, 'not_found', 'There is no revocation ' || (arguments ->> 'id') || ' in force.');
  END IF;
  UPDATE token_revocations SET
    lifted = true, change = tenon.next_revocation_change(), version = version + 1, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN ROW(204, NULL, '', NULL, NULL, NULL,
             tenon.audit(command, 'LIFT_REVOCATION', 'token_revocation', new.id, tenon.revocation_body(old),
                         tenon.revocation_body(new)))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.lift_revocation(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.location_body(state text, city text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT '{"state":"' || state || '","city":' || to_json(city) || '}'
$$;

ALTER FUNCTION tenon.location_body(state text, city text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.lock_business_names(owners text[], names text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  stripe integer;
BEGIN
  FOR stripe IN
    SELECT DISTINCT hashtext(owner || E'\n' || name) & 1023 FROM unnest(owners, names) AS wanted (owner, name)
    WHERE name IS NOT NULL ORDER BY 1
  LOOP
    PERFORM pg_advisory_xact_lock('public.businesses'::regclass::oid::integer, stripe);
  END LOOP;
END
$$;

ALTER FUNCTION tenon.lock_business_names(owners text[], names text[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.lock_businesses(arguments jsonb[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM FROM businesses WHERE id = ANY (SELECT (a ->> 'id')::uuid FROM unnest(arguments) AS a) ORDER BY id FOR UPDATE;
  PERFORM tenon.lock_business_names(array_agg(b.owner_id), array_agg(a ->> 'name'))
  FROM unnest(arguments) AS a JOIN businesses AS b ON b.id = (a ->> 'id')::uuid;
END
$$;

ALTER FUNCTION tenon.lock_businesses(arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.lock_conversions(arguments jsonb[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM FROM facilities WHERE id = ANY (SELECT (a ->> 'facilityId')::uuid FROM unnest(arguments) AS a) ORDER BY id FOR UPDATE;
  PERFORM tenon.lock_business_names(array_agg(f.owner_id), array_agg(tenon.conversion_name(a)))
  FROM unnest(arguments) AS a JOIN facilities AS f ON f.id = (a ->> 'facilityId')::uuid;
END
$$;

ALTER FUNCTION tenon.lock_conversions(arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.lock_items(arguments jsonb[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT FROM inventory WHERE id = ANY (
    SELECT (a ->> 'id')::uuid FROM unnest(arguments) AS a WHERE a ? 'id'
    UNION
    SELECT (line ->> 'item_id')::uuid FROM unnest(arguments) AS a, jsonb_array_elements(a -> 'lines') AS line
  ) ORDER BY id FOR UPDATE
$$;

ALTER FUNCTION tenon.lock_items(arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.lock_legislation(arguments jsonb[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT pg_advisory_xact_lock('public.legislation'::regclass::oid::integer, 0)
$$;

ALTER FUNCTION tenon.lock_legislation(arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.lock_market_items(arguments jsonb[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT FROM market_items WHERE id = ANY (SELECT (a ->> 'id')::uuid FROM unnest(arguments) AS a) ORDER BY id FOR UPDATE
$$;

ALTER FUNCTION tenon.lock_market_items(arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.lock_new_businesses(arguments jsonb[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT tenon.lock_business_names(array_agg(a ->> 'ownerId'), array_agg(a ->> 'name')) FROM unnest(arguments) AS a
$$;

ALTER FUNCTION tenon.lock_new_businesses(arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.lock_revocations(arguments jsonb[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT pg_advisory_xact_lock('public.token_revocations'::regclass::oid::integer, 0)
$$;

ALTER FUNCTION tenon.lock_revocations(arguments jsonb[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.make_append_only(log regclass, owner_may text, events text, readers text, rule text DEFAULT 'true'::text, writers text DEFAULT 'tenon_owner'::text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER append_only BEFORE %s ON %s FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change()', events, log);
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', log);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', log);  -- the owner too
  EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, tenon_owner, tenon_edge, tenon_auditor, tenon_sealer, tenon_teller', log);
  IF owner_may <> '' THEN
    EXECUTE format('GRANT %s ON %s TO %s', owner_may, log, writers);
    EXECUTE format('CREATE POLICY append ON %s FOR INSERT TO %s WITH CHECK (%s)', log, writers, rule);
    EXECUTE format('GRANT SELECT ON %s TO %s', log, readers);
    EXECUTE format('CREATE POLICY read ON %s FOR SELECT TO %s, %s USING (true)', log, writers, readers);
  END IF;
END
$$;

ALTER FUNCTION tenon.make_append_only(log regclass, owner_may text, events text, readers text, rule text, writers text) OWNER TO tenon_owner;

CREATE TABLE public.market_items (
    id uuid DEFAULT tenon.new_id() NOT NULL,
    seller_id text NOT NULL,
    category text NOT NULL,
    item_name text NOT NULL,
    description text NOT NULL,
    price_per_unit numeric(9,2) NOT NULL,
    state tenon.state_code NOT NULL,
    city text NOT NULL,
    risk_score numeric(5,2) DEFAULT 50 NOT NULL,
    status text DEFAULT 'Active'::text NOT NULL,
    quantity_listed integer NOT NULL,
    quantity integer NOT NULL,
    quantity_sold integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    prior_updated_at timestamp with time zone,
    CONSTRAINT market_items_category_check CHECK ((category = ANY (ARRAY['Stolen Goods'::text, 'Counterfeits'::text, 'Weapons'::text, 'Restricted Items'::text, 'Services'::text]))),
    CONSTRAINT market_items_city_check CHECK (((char_length(city) >= 1) AND (char_length(city) <= 120))),
    CONSTRAINT market_items_description_check CHECK (((char_length(description) >= 10) AND (char_length(description) <= 2000))),
    CONSTRAINT market_items_item_name_check CHECK (((char_length(item_name) >= 1) AND (char_length(item_name) <= 200))),
    CONSTRAINT market_items_price_per_unit_check CHECK (((price_per_unit >= 0.01) AND (price_per_unit <= (1000000)::numeric))),
    CONSTRAINT market_items_quantity_check CHECK ((quantity >= 0)),
    CONSTRAINT market_items_quantity_listed_check CHECK (((quantity_listed >= 1) AND (quantity_listed <= 1000000))),
    CONSTRAINT market_items_quantity_sold_check CHECK ((quantity_sold >= 0)),
    CONSTRAINT market_items_risk_score_check CHECK (((risk_score >= (0)::numeric) AND (risk_score <= (100)::numeric))),
    CONSTRAINT market_items_seller_id_check CHECK (((char_length(seller_id) >= 1) AND (char_length(seller_id) <= 200))),
    CONSTRAINT market_items_status_check CHECK ((status = ANY (ARRAY['Active'::text, 'Sold'::text, 'Seized'::text, 'Removed'::text]))),
    CONSTRAINT market_items_version_check CHECK ((version >= 1)),
    CONSTRAINT sold_means_none_left CHECK (((status = 'Sold'::text) = (quantity = 0))),
    CONSTRAINT units_add_up CHECK (((quantity + quantity_sold) = quantity_listed))
)
WITH (fillfactor='70');

ALTER TABLE public.market_items OWNER TO tenon_owner;

CREATE FUNCTION tenon.market_item_body(i public.market_items) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT '{"id":"' || i.id || '","sellerId":' || to_json(i.seller_id) || ',"category":"' || i.category
         || '","itemName":' || to_json(i.item_name) || ',"description":' || to_json(i.description)
         || ',"quantity":' || i.quantity || ',"quantitySold":' || i.quantity_sold || ',"pricePerUnit":' || i.price_per_unit
         || ',"location":' || tenon.location_body(i.state, i.city) || ',"riskScore":' || trim_scale(i.risk_score)
         || ',"status":"' || i.status || '","version":' || i.version || ',"createdAt":"' || tenon.iso(i.created_at)
         || '","updatedAt":"' || tenon.iso(i.updated_at) || '"}'
$$;

ALTER FUNCTION tenon.market_item_body(i public.market_items) OWNER TO tenon_owner;

CREATE FUNCTION tenon.name_taken(owner text, name text) RETURNS tenon.outcome
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT tenon.refused(409, 'already_exists', 'The owner has a business of this name already.',
                       jsonb_build_object('name', name, 'ownerId', owner))
$$;

ALTER FUNCTION tenon.name_taken(owner text, name text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.next_revocation_change() RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT coalesce(max(change), 0) + 1 FROM token_revocations
$$;

ALTER FUNCTION tenon.next_revocation_change() OWNER TO tenon_owner;

CREATE FUNCTION tenon.no_such_item(id uuid) RETURNS tenon.outcome
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT tenon.refused(404, 'not_found', 'There is no item ' || id || '.')
$$;

ALTER FUNCTION tenon.no_such_item(id uuid) OWNER TO tenon_owner;

CREATE FUNCTION tenon.not_owner(detail text) RETURNS tenon.outcome
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT tenon.refused(403, 'not_owner', detail)
$$;

ALTER FUNCTION tenon.not_owner(detail text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_changes_of_businesses() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance 
        SELECT pg_current_xact_id(), sum(raised), sum(((uuid_hash(id)::bigint * raised) & 2147483647)::integer)
        FROM (SELECT id AS id, (version & 2147483647)::integer AS raised FROM changed
              UNION ALL SELECT id, -(version & 2147483647)::integer FROM before) AS by
        HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $$;

ALTER FUNCTION tenon.note_changes_of_businesses() OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_changes_of_facilities() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance 
        SELECT pg_current_xact_id(), sum(raised), sum(((uuid_hash(id)::bigint * raised) & 2147483647)::integer)
        FROM (SELECT id AS id, (version & 2147483647)::integer AS raised FROM changed
              UNION ALL SELECT id, -(version & 2147483647)::integer FROM before) AS by
        HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $$;

ALTER FUNCTION tenon.note_changes_of_facilities() OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_changes_of_inventory() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance 
        SELECT pg_current_xact_id(), sum(raised), sum(((uuid_hash(id)::bigint * raised) & 2147483647)::integer)
        FROM (SELECT id AS id, (version & 2147483647)::integer AS raised FROM changed
              UNION ALL SELECT id, -(version & 2147483647)::integer FROM before) AS by
        HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $$;

ALTER FUNCTION tenon.note_changes_of_inventory() OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_changes_of_laundering_channels() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance 
        SELECT pg_current_xact_id(), sum(raised), sum(((uuid_hash(id)::bigint * raised) & 2147483647)::integer)
        FROM (SELECT id AS id, (version & 2147483647)::integer AS raised FROM changed
              UNION ALL SELECT id, -(version & 2147483647)::integer FROM before) AS by
        HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $$;

ALTER FUNCTION tenon.note_changes_of_laundering_channels() OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_changes_of_legislation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance 
        SELECT pg_current_xact_id(), sum(raised), sum(((uuid_hash(id)::bigint * raised) & 2147483647)::integer)
        FROM (SELECT id AS id, (version & 2147483647)::integer AS raised FROM changed
              UNION ALL SELECT id, -(version & 2147483647)::integer FROM before) AS by
        HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $$;

ALTER FUNCTION tenon.note_changes_of_legislation() OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_changes_of_market_items() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance 
        SELECT pg_current_xact_id(), sum(raised), sum(((uuid_hash(id)::bigint * raised) & 2147483647)::integer)
        FROM (SELECT id AS id, (version & 2147483647)::integer AS raised FROM changed
              UNION ALL SELECT id, -(version & 2147483647)::integer FROM before) AS by
        HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $$;

ALTER FUNCTION tenon.note_changes_of_market_items() OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_changes_of_signature_replays() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $$;

ALTER FUNCTION tenon.note_changes_of_signature_replays() OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_changes_of_signing_keys() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $$;

ALTER FUNCTION tenon.note_changes_of_signing_keys() OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_changes_of_token_revocations() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance 
        SELECT pg_current_xact_id(), sum(raised), sum(((uuid_hash(id)::bigint * raised) & 2147483647)::integer)
        FROM (SELECT id AS id, (version & 2147483647)::integer AS raised FROM changed
              UNION ALL SELECT id, -(version & 2147483647)::integer FROM before) AS by
        HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(id)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $$;

ALTER FUNCTION tenon.note_changes_of_token_revocations() OWNER TO tenon_owner;

CREATE FUNCTION tenon.note_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  WITH batch AS MATERIALIZED (
    SELECT min(id) AS first_id, max(id) AS last_id, min(at) AS first_at, max(at) AS last_at, count(*) AS entries,
           sum(uuid_hash(entity_id)) AS digest
    FROM added HAVING count(*) > 0
  ), told AS (
    INSERT INTO tenon.audit_balance AS balance SELECT pg_current_xact_id(), -entries, -digest FROM batch
    ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                               digest = balance.digest + excluded.digest
  )
  INSERT INTO tenon.audit_batches
  SELECT pg_current_xact_id(), first_id, last_id, first_at, last_at, entries FROM batch;
  RETURN NULL;
END
$$;

ALTER FUNCTION tenon.note_entries() OWNER TO tenon_owner;

CREATE FUNCTION tenon.only_grows() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF (NEW.level, NEW.index, NEW.first_transaction_id, NEW.first_id)
       IS DISTINCT FROM (OLD.level, OLD.index, OLD.first_transaction_id, OLD.first_id)
     OR length(NEW.hashes) < length(OLD.hashes) OR substring(NEW.hashes FOR length(OLD.hashes)) <> OLD.hashes THEN
    RAISE EXCEPTION 'a tile of the audit log''s tree only grows' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION tenon.only_grows() OWNER TO tenon_owner;

CREATE FUNCTION tenon.order_body(id uuid, lines text, total numeric, at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT '{"id":"' || id || '","lines":[' || lines || '],"total":' || total || ',"created_at":"' || tenon.iso(at) || '"}'
$$;

ALTER FUNCTION tenon.order_body(id uuid, lines text, total numeric, at timestamp with time zone) OWNER TO tenon_owner;

CREATE FUNCTION tenon.order_line(item_id uuid, name text, quantity integer, price numeric, available bigint) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT '{"item_id":"' || item_id || '","name":' || to_json(name) || ',"quantity":' || quantity || ',"unit_price":' || price
         || ',"line_total":' || price * quantity || ',"quantity_available":' || available || '}'
$$;

ALTER FUNCTION tenon.order_line(item_id uuid, name text, quantity integer, price numeric, available bigint) OWNER TO tenon_owner;

CREATE FUNCTION tenon.owns(command tenon.command, owner text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
  SELECT command.user_id = owner OR command.role = 'admin'
$$;

ALTER FUNCTION tenon.owns(command tenon.command, owner text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.precondition_holds(precondition jsonb, version bigint, modified timestamp with time zone, prior timestamp with time zone) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
  SELECT precondition IS NULL OR (
    NOT EXISTS (SELECT FROM jsonb_array_elements(precondition -> 'versions') AS wanted WHERE wanted::bigint <> version)
    AND NOT EXISTS (
      SELECT FROM jsonb_to_recordset(precondition -> 'dates') AS token (at timestamptz, grain bigint)
      WHERE (extract(epoch FROM token.at) * 1000000)::bigint / token.grain
              <> (extract(epoch FROM modified) * 1000000)::bigint / token.grain
         OR (extract(epoch FROM prior) * 1000000)::bigint / token.grain
              = (extract(epoch FROM modified) * 1000000)::bigint / token.grain))
$$;

ALTER FUNCTION tenon.precondition_holds(precondition jsonb, version bigint, modified timestamp with time zone, prior timestamp with time zone) OWNER TO tenon_owner;

CREATE FUNCTION tenon.purchase_market_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old market_items;
  new market_items;
  purchase market_purchases;
  asked CONSTANT bigint := (arguments ->> 'quantity')::bigint;
BEGIN
  SELECT * INTO old FROM market_items WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.refused(404, 'not_found', 'There is no item ' || (arguments ->> 'id') || ' on the market.');
  END IF;
  IF old.status <> 'Active' THEN
    RETURN tenon.refused(409, 'not_active', 'The item is ' || old.status || '.', jsonb_build_object('itemStatus', old.status));
  END IF;
  IF old.quantity < asked THEN
    RETURN tenon.refused(409, 'insufficient_stock', format('%s requested, %s available.', asked, old.quantity),
                         jsonb_build_object('available', old.quantity, 'requested', asked));
  END IF;
  UPDATE market_items SET
    quantity = quantity - asked, quantity_sold = quantity_sold + asked,
    status = CASE WHEN quantity = asked THEN 'Sold' ELSE status END,
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  INSERT INTO market_purchases (item_id, buyer_id, quantity, total_price, delivery_method, meetup_location)
  VALUES (old.id, command.user_id, asked, asked * old.price_per_unit, arguments ->> 'deliveryMethod',
          arguments ->> 'meetupLocation')
  RETURNING * INTO purchase;
  RETURN ROW(201, NULL,
             '{"itemId":"' || old.id || '","quantity":' || asked || ',"totalPrice":' || purchase.total_price
               || ',"escrowStatus":"' || purchase.escrow_status || '","deliveryMethod":"' || purchase.delivery_method || '"}',
             new.version, new.updated_at, NULL,
             tenon.audit(command, 'PURCHASE_MARKET_ITEM', 'market_item', old.id,
                         '{"quantity":' || old.quantity || ',"status":"' || old.status || '","version":' || old.version || '}',
                         '{"quantity":' || new.quantity || ',"status":"' || new.status || '","version":' || new.version
                           || ',"purchaseId":"' || purchase.id || '","totalPrice":' || purchase.total_price || '}'))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.purchase_market_item(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.put_legislation(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old legislation;
  new legislation;
BEGIN
  SELECT * INTO old FROM legislation
  WHERE substance = arguments ->> 'substance' AND jurisdiction_id = arguments ->> 'jurisdictionId' FOR UPDATE;
  IF NOT FOUND THEN
    IF arguments ? 'precondition' THEN
      RETURN tenon.stale_or_gone('There is no such law yet.');
    END IF;
    INSERT INTO legislation (substance, jurisdiction_id, status, tax_rate, effective_date, sunset_date)
    VALUES (arguments ->> 'substance', arguments ->> 'jurisdictionId', arguments ->> 'status',
            (arguments ->> 'taxRate')::numeric, (arguments ->> 'effectiveDate')::date, (arguments ->> 'sunsetDate')::date)
    ON CONFLICT ON CONSTRAINT one_law_per_place DO NOTHING
    RETURNING * INTO new;
    IF NOT FOUND THEN  -- somebody was first, a moment ago
      RETURN tenon.put_legislation(command, arguments);
    END IF;
    RETURN ROW(201, NULL, tenon.legislation_body(new), new.version, new.updated_at, NULL,
               tenon.audit(command, 'CREATE_LEGISLATION', 'legislation', new.id, NULL, tenon.legislation_body(new)))::tenon.outcome;
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  UPDATE legislation SET
    status = arguments ->> 'status', tax_rate = (arguments ->> 'taxRate')::numeric,
    effective_date = (arguments ->> 'effectiveDate')::date, sunset_date = (arguments ->> 'sunsetDate')::date,
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN ROW(200, NULL, tenon.legislation_body(new), new.version, new.updated_at, NULL,
             tenon.audit(command, 'UPDATE_LEGISLATION', 'legislation', new.id, tenon.legislation_body(old),
                         tenon.legislation_body(new)))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.put_legislation(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.raise_key_collision(claims uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION tenon.raise_key_collision(claims uuid[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.read_outcome(asked uuid, held text) RETURNS TABLE(status_code smallint, problem text, summary text, version bigint, modified timestamp with time zone, location text, expires_at timestamp with time zone, audit_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
  SELECT CASE WHEN shown THEN k.status_code ELSE 403::smallint END, CASE WHEN shown THEN k.problem ELSE 'forbidden' END,
         CASE WHEN shown THEN k.summary ELSE '{}' END, CASE WHEN shown THEN k.version END,
         CASE WHEN shown THEN k.modified END, CASE WHEN shown THEN k.location END, k.expires_at,
         CASE WHEN shown THEN k.audit_id END
  FROM (SELECT *, strpos(scope, ' ') = 0 OR strpos(held, ' ' || split_part(scope, ' ', 2) || ' ') > 0 AS shown
        FROM idempotency_keys WHERE claim = asked AND expires_at > clock_timestamp()) AS k
$$;

ALTER FUNCTION tenon.read_outcome(asked uuid, held text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: the audit log is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;

ALTER FUNCTION tenon.refuse_change() OWNER TO tenon_owner;

CREATE FUNCTION tenon.refuse_old_version() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION 'a change of % raises its version and its updated_at', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END
$$;

ALTER FUNCTION tenon.refuse_old_version() OWNER TO tenon_owner;

CREATE FUNCTION tenon.refuse_shrinking_counters() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION 'quantity_sold, quantity_received and version only grow' USING ERRCODE = 'check_violation';
END
$$;

ALTER FUNCTION tenon.refuse_shrinking_counters() OWNER TO tenon_owner;

CREATE FUNCTION tenon.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION '% is audited: its rows go one by one, each with an entry', TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;

ALTER FUNCTION tenon.refuse_truncate() OWNER TO tenon_owner;

CREATE FUNCTION tenon.refuse_uncounted_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION 'a change of % keeps its id and raises its version', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END
$$;

ALTER FUNCTION tenon.refuse_uncounted_change() OWNER TO tenon_owner;

CREATE FUNCTION tenon.refused(status integer, problem text, detail text, members jsonb DEFAULT '{}'::jsonb) RETURNS tenon.outcome
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT ROW(status, problem, (jsonb_build_object('detail', detail) || members)::text, NULL, NULL, NULL, NULL)::tenon.outcome
$$;

ALTER FUNCTION tenon.refused(status integer, problem text, detail text, members jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.register_operation(name text, function regproc, prelock regproc DEFAULT NULL::regproc, batch regproc DEFAULT NULL::regproc) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  INSERT INTO tenon.operations VALUES (name, function, prelock, batch)
  ON CONFLICT ON CONSTRAINT operations_pkey
  DO UPDATE SET function = excluded.function, prelock = excluded.prelock, batch = excluded.batch
$$;

ALTER FUNCTION tenon.register_operation(name text, function regproc, prelock regproc, batch regproc) OWNER TO tenon_owner;

CREATE FUNCTION tenon.retire_audit_month(month text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '3s'
    AS $$
DECLARE
  partition CONSTANT text := 'audit_logs_' || month;
  begins CONSTANT timestamptz := to_timestamp(month, 'YYYY_MM');
  ends CONSTANT timestamptz := begins + interval '1 month';
  gone record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'public.audit_logs'::regclass
                 AND inhrelid = to_regclass('public.' || quote_ident(partition))) OR partition = 'audit_logs_default' THEN
    RAISE EXCEPTION 'the audit log has no month %', month USING ERRCODE = 'undefined_table';
  END IF;
  IF ends > clock_timestamp() THEN
    RAISE EXCEPTION 'month % is not over', month USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  EXECUTE format('ALTER TABLE public.audit_logs DETACH PARTITION public.%I', partition);  -- and so nothing more comes
  EXECUTE format('GRANT SELECT ON public.%I TO tenon_owner', partition);
  EXECUTE format('CREATE POLICY read ON public.%I FOR SELECT TO tenon_owner USING (true)', partition);
  EXECUTE format('SELECT count(*) AS entries, min(id) AS first_id, max(id) AS last_id, max(transaction_id) AS newest FROM public.%I',
                 partition) INTO gone;
  IF gone.newest > coalesce((SELECT transaction_id FROM tenon.audit_checkpoints ORDER BY size DESC LIMIT 1), '0') THEN
    RAISE EXCEPTION 'month % is not sealed yet', month USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  INSERT INTO tenon.audit_retired (name, from_at, to_at, first_id, last_id, entries)
  VALUES (partition, begins, ends, gone.first_id, gone.last_id, gone.entries);
  RETURN gone.entries;
END
$$;

ALTER FUNCTION tenon.retire_audit_month(month text) OWNER TO tenon_owner;

CREATE TABLE public.token_revocations (
    id uuid DEFAULT tenon.new_id() NOT NULL,
    token_id text,
    user_id text,
    issued_before timestamp with time zone,
    expires_at timestamp with time zone,
    reason text,
    lifted boolean DEFAULT false NOT NULL,
    change bigint NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT of_a_token_or_of_a_user CHECK ((((token_id IS NULL) <> (user_id IS NULL)) AND ((user_id IS NULL) = (issued_before IS NULL)) AND ((expires_at IS NULL) OR (user_id IS NULL)))),
    CONSTRAINT token_revocations_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 200))),
    CONSTRAINT token_revocations_token_id_check CHECK (((octet_length(token_id) >= 1) AND (octet_length(token_id) <= 200))),
    CONSTRAINT token_revocations_user_id_check CHECK (((octet_length(user_id) >= 1) AND (octet_length(user_id) <= 200))),
    CONSTRAINT token_revocations_version_check CHECK ((version >= 1))
);

ALTER TABLE public.token_revocations OWNER TO tenon_owner;

CREATE FUNCTION tenon.revocation_body(one public.token_revocations) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT '{"id":"' || one.id || '","token_id":' || tenon.json_text(one.token_id) || ',"user":' || tenon.json_text(one.user_id)
         || ',"issued_before":' || coalesce('"' || tenon.iso(one.issued_before) || '"', 'null')
         || ',"expires_at":' || coalesce('"' || tenon.iso(one.expires_at) || '"', 'null')
         || ',"reason":' || tenon.json_text(one.reason) || ',"lifted":' || one.lifted
         || ',"updated_at":"' || tenon.iso(one.updated_at) || '"}'
$$;

ALTER FUNCTION tenon.revocation_body(one public.token_revocations) OWNER TO tenon_owner;

CREATE FUNCTION tenon.revoke_signing_key(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old signing_keys;
  new signing_keys;
BEGIN
  SELECT * INTO old FROM signing_keys WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.refused(404, 'not_found', 'There is no signing key ' || (arguments ->> 'id') || '.');
  END IF;
  IF old.revoked_at IS NOT NULL THEN
    RETURN ROW(200, NULL, tenon.signing_key_body(old), NULL, old.revoked_at, NULL, NULL)::tenon.outcome;
  END IF;
  UPDATE signing_keys SET revoked_at = clock_timestamp() WHERE id = old.id RETURNING * INTO new;
  RETURN ROW(200, NULL, tenon.signing_key_body(new), NULL, new.revoked_at, NULL,
             tenon.audit(command, 'REVOKE_SIGNING_KEY', 'signing_key', new.id, tenon.signing_key_body(old),
                         tenon.signing_key_body(new)))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.revoke_signing_key(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.revoke_tokens(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  wanted_before CONSTANT timestamptz := CASE WHEN arguments ? 'user'
    THEN coalesce((arguments ->> 'issued_before')::timestamptz, clock_timestamp()) END;
  wanted_end CONSTANT timestamptz := (arguments ->> 'expires_at')::timestamptz;
  forgotten_until CONSTANT timestamptz := now() - interval '1 day';
  old token_revocations;
  new token_revocations;
BEGIN
  SELECT * INTO old FROM token_revocations
  WHERE token_id = arguments ->> 'token_id' OR user_id = arguments ->> 'user' FOR UPDATE;
  IF NOT old.lifted AND (old.issued_before >= wanted_before OR (
       old.token_id IS NOT NULL AND coalesce(old.expires_at, 'infinity') >= coalesce(wanted_end, 'infinity'))) THEN
    RETURN ROW(200, NULL, tenon.revocation_body(old), old.version, old.updated_at, NULL, NULL)::tenon.outcome;
  END IF;
  IF (old.id IS NULL OR old.lifted OR old.expires_at <= forgotten_until)
     AND (SELECT count(*) FROM token_revocations
          WHERE NOT lifted AND coalesce(expires_at, 'infinity') > forgotten_until) >= 1000000 THEN
    RETURN tenon.refused(409, 'too_many_revocations', 'A million revocations are in force.');
  END IF;
  IF old.id IS NULL THEN
    INSERT INTO token_revocations (token_id, user_id, issued_before, expires_at, reason, change)
    VALUES (arguments ->> 'token_id', arguments ->> 'user', wanted_before, wanted_end,
            arguments ->> 'reason', tenon.next_revocation_change())
    RETURNING * INTO new;
    RETURN ROW(201, NULL, tenon.revocation_body(new), new.version, new.updated_at, '/api/token-revocations/' || new.id,
               tenon.audit(command, 'REVOKE_TOKENS', 'token_revocation', new.id, NULL, tenon.revocation_body(new)))::tenon.outcome;
  END IF;
  UPDATE token_revocations SET
    lifted = false, issued_before = wanted_before, expires_at = wanted_end,
    reason = arguments ->> 'reason', change = tenon.next_revocation_change(), version = version + 1,
    updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN ROW(200, NULL, tenon.revocation_body(new), new.version, new.updated_at, NULL,
             tenon.audit(command, 'REVOKE_TOKENS', 'token_revocation', new.id, tenon.revocation_body(old),
                         tenon.revocation_body(new)))::tenon.outcome;
END
$$;

ALTER FUNCTION tenon.revoke_tokens(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.seal_audit(known_size bigint, log_origin text, log_key text, tree_size bigint, tree_root bytea, signed_note text, last_transaction xid8, last_entry bigint, levels smallint[], indexes bigint[], tiles bytea[], first_transactions xid8[], first_entries bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  -- Asked before the ledger is looked at: whoever began before and commits between the two would be left out for ever.
  undecided CONSTANT xid8 := pg_snapshot_xmin(pg_current_snapshot());
  sealed record;
  due bigint;
BEGIN
  LOCK TABLE tenon.audit_turn IN EXCLUSIVE MODE;  -- one at a time, whosever turn it is
  INSERT INTO tenon.audit_log_identity (origin, verifier_key)
  SELECT log_origin, log_key WHERE NOT EXISTS (SELECT FROM tenon.audit_log_identity);
  IF NOT EXISTS (SELECT FROM tenon.audit_log_identity WHERE origin = log_origin AND verifier_key = log_key) THEN
    RAISE EXCEPTION 'the audit log is sealed with another key'
      USING ERRCODE = 'TN011', DETAIL = (SELECT verifier_key FROM tenon.audit_log_identity);
  END IF;

  SELECT size, transaction_id INTO sealed FROM tenon.audit_checkpoints ORDER BY size DESC LIMIT 1;
  IF coalesce(sealed.size, 0) <> known_size THEN
    RAISE EXCEPTION 'the tree has % leaves, not %', coalesce(sealed.size, 0), known_size USING ERRCODE = 'TN012';
  END IF;

  SELECT coalesce(sum(entries), 0) INTO due FROM tenon.audit_batches
  WHERE transaction_id > coalesce(sealed.transaction_id, '0') AND transaction_id <= last_transaction;
  IF known_size + due <> tree_size OR due = 0 OR last_transaction >= undecided
     OR NOT EXISTS (SELECT FROM tenon.audit_batches WHERE transaction_id = last_transaction AND last_id = last_entry) THEN
    RAISE EXCEPTION '% leaves up to transaction % are not the % entries after the % sealed ones', tree_size, last_transaction,
      due, known_size USING ERRCODE = 'TN013';
  END IF;

  INSERT INTO tenon.audit_tiles AS stored (level, index, hashes, first_transaction_id, first_id)
  SELECT * FROM unnest(levels, indexes, tiles, first_transactions, first_entries)
  ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes WHERE stored.hashes <> excluded.hashes;
  IF (SELECT index * 256 + octet_length(hashes) / 32 FROM tenon.audit_tiles WHERE level = 0 ORDER BY index DESC LIMIT 1)
     IS DISTINCT FROM tree_size THEN
    RAISE EXCEPTION 'the tiles do not have % leaves', tree_size USING ERRCODE = 'TN013';
  END IF;
  INSERT INTO tenon.audit_checkpoints (size, root, note, transaction_id, last_id)
  VALUES (tree_size, tree_root, signed_note, last_transaction, last_entry);
END
$$;

ALTER FUNCTION tenon.seal_audit(known_size bigint, log_origin text, log_key text, tree_size bigint, tree_root bytea, signed_note text, last_transaction xid8, last_entry bigint, levels smallint[], indexes bigint[], tiles bytea[], first_transactions xid8[], first_entries bigint[]) OWNER TO tenon_owner;

CREATE TABLE tenon.signature_rules (
    only_row boolean DEFAULT true NOT NULL,
    window_max interval DEFAULT '00:00:00'::interval NOT NULL,
    window_before interval DEFAULT '00:00:00'::interval NOT NULL,
    raised_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT signature_rules_only_row_check CHECK (only_row)
);

ALTER TABLE tenon.signature_rules OWNER TO tenon_owner;

CREATE FUNCTION tenon.signature_end(created timestamp with time zone, rules tenon.signature_rules) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    AS $$
  SELECT created + CASE WHEN created >= (rules).raised_at THEN (rules).window_max ELSE (rules).window_before END
$$;

ALTER FUNCTION tenon.signature_end(created timestamp with time zone, rules tenon.signature_rules) OWNER TO tenon_owner;

CREATE TABLE public.signing_keys (
    id uuid NOT NULL,
    user_id text NOT NULL,
    algorithm text NOT NULL,
    material text NOT NULL,
    label text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT signing_keys_algorithm_check CHECK ((algorithm = ANY (ARRAY['hmac-sha256'::text, 'ed25519'::text, 'ecdsa-p256-sha256'::text, 'rsa-pss-sha512'::text, 'rsa-v1_5-sha256'::text]))),
    CONSTRAINT signing_keys_check CHECK ((expires_at > created_at)),
    CONSTRAINT signing_keys_label_check CHECK ((char_length(label) <= 200)),
    CONSTRAINT signing_keys_material_check CHECK (((octet_length(material) >= 1) AND (octet_length(material) <= 4096))),
    CONSTRAINT signing_keys_user_id_check CHECK (((octet_length(user_id) >= 1) AND (octet_length(user_id) <= 200)))
);

ALTER TABLE public.signing_keys OWNER TO tenon_owner;

CREATE FUNCTION tenon.signing_key_body(key public.signing_keys) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  SELECT json_build_object('id', key.id, 'user', key.user_id, 'algorithm', key.algorithm, 'label', key.label,
                           'created_at', tenon.iso(key.created_at), 'expires_at', tenon.iso(key.expires_at),
                           'revoked_at', tenon.iso(key.revoked_at))::text
$$;

ALTER FUNCTION tenon.signing_key_body(key public.signing_keys) OWNER TO tenon_owner;

CREATE FUNCTION tenon.stale(version bigint, modified timestamp with time zone) RETURNS tenon.outcome
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT ROW(409, 'conflict', jsonb_build_object('detail', 'The resource is at version ' || version || '.', 'version', version)::text,
             version, modified, NULL, NULL)::tenon.outcome
$$;

ALTER FUNCTION tenon.stale(version bigint, modified timestamp with time zone) OWNER TO tenon_owner;

CREATE FUNCTION tenon.stale_or_gone(detail text) RETURNS tenon.outcome
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT tenon.refused(409, 'conflict', detail)
$$;

ALTER FUNCTION tenon.stale_or_gone(detail text) OWNER TO tenon_owner;

CREATE FUNCTION tenon.store_replies(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], replies tenon.replies) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION tenon.store_replies(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], replies tenon.replies) OWNER TO tenon_owner;

CREATE FUNCTION tenon.stored_in(slots smallint[], claims uuid[]) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION tenon.stored_in(slots smallint[], claims uuid[]) OWNER TO tenon_owner;

CREATE FUNCTION tenon.stored_replies(claims uuid[], fingerprints bytea[], clock timestamp with time zone) RETURNS tenon.replies
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
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

ALTER FUNCTION tenon.stored_replies(claims uuid[], fingerprints bytea[], clock timestamp with time zone) OWNER TO tenon_owner;

CREATE FUNCTION tenon.take_audit_turn() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  caller CONSTANT oid := (SELECT oid FROM pg_roles WHERE rolname = session_user);
  holder tenon.audit_turn;
BEGIN
  LOCK TABLE tenon.audit_turn IN EXCLUSIVE MODE;
  SELECT * INTO holder FROM tenon.audit_turn;
  IF (holder.process, holder.login) = (pg_backend_pid(), caller) THEN
    RETURN true;
  END IF;
  IF EXISTS (SELECT FROM pg_stat_activity WHERE pid = holder.process AND usesysid = holder.login) THEN
    RETURN false;
  END IF;
  INSERT INTO tenon.audit_turn (process, login) VALUES (pg_backend_pid(), caller)
  ON CONFLICT (only_row) DO UPDATE SET process = excluded.process, login = excluded.login;
  RETURN true;
END
$$;

ALTER FUNCTION tenon.take_audit_turn() OWNER TO tenon_owner;

CREATE FUNCTION tenon.turn_key_generation() RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '200ms'
    AS $$
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

ALTER FUNCTION tenon.turn_key_generation() OWNER TO tenon_owner;

CREATE FUNCTION tenon.update_business(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old businesses;
  new businesses;
  address CONSTANT jsonb := coalesce(arguments -> 'address', '{}');
BEGIN
  SELECT * INTO old FROM businesses WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.stale_or_gone('There is no business ' || (arguments ->> 'id') || '.');
  END IF;
  IF NOT tenon.owns(command, old.owner_id) THEN
    RETURN tenon.not_owner('Only its owner or an admin may change a business.');
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  IF EXISTS (SELECT FROM businesses WHERE owner_id = old.owner_id AND name = arguments ->> 'name' AND id <> old.id) THEN
    RETURN tenon.name_taken(old.owner_id, arguments ->> 'name');
  END IF;
  UPDATE businesses SET
    name = coalesce(arguments ->> 'name', name),
    category = coalesce(arguments ->> 'category', category),
    status = coalesce(arguments ->> 'status', status),
    tax_rate = coalesce((arguments ->> 'taxRate')::numeric, tax_rate),
    state = coalesce(address ->> 'state', state),
    city = coalesce(address ->> 'city', city),
    address_line = CASE WHEN address ? 'addressLine' THEN address ->> 'addressLine' ELSE address_line END,
    postal_code = CASE WHEN address ? 'postalCode' THEN address ->> 'postalCode' ELSE postal_code END,
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN tenon.business_answer(200, new, tenon.audit(command, 'UPDATE_BUSINESS', 'business', new.id,
                                                     tenon.business_body(old), tenon.business_body(new)));
END
$$;

ALTER FUNCTION tenon.update_business(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.update_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
  old inventory;
  new inventory;
BEGIN
  SELECT * INTO old FROM inventory WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.no_such_item((arguments ->> 'id')::uuid);
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  UPDATE inventory SET
    name = CASE WHEN arguments ? 'name' THEN arguments ->> 'name' ELSE name END,
    price = CASE WHEN arguments ? 'price' THEN (arguments ->> 'price')::numeric ELSE price END,
    origin = CASE WHEN arguments ? 'origin' THEN arguments ->> 'origin' ELSE origin END,
    image_url = CASE WHEN arguments ? 'image_url' THEN arguments ->> 'image_url' ELSE image_url END,
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN tenon.item_answer(200, new, tenon.audit(command, 'UPDATE_ITEM', 'item', new.id,
                                                 tenon.item_body(old), tenon.item_body(new)));
END
$$;

ALTER FUNCTION tenon.update_item(command tenon.command, arguments jsonb) OWNER TO tenon_owner;

CREATE FUNCTION tenon.valued_holdings(inventory jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
           'substance', held.substance, 'quantity', held.quantity,
           'illegalValue', round(held.quantity * 100 * held.purity / 100, 2),
           'legalValue', round(held.quantity * 60 * held.purity / 100, 2)) ORDER BY n), '[]')
  FROM ROWS FROM (jsonb_to_recordset(inventory) AS (substance text, quantity numeric, purity numeric)) WITH ORDINALITY
    AS held (substance, quantity, purity, n)
$$;

ALTER FUNCTION tenon.valued_holdings(inventory jsonb) OWNER TO tenon_owner;

CREATE TABLE public.audit_logs (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    entity_id uuid NOT NULL,
    action tenon.said NOT NULL,
    entity_kind tenon.said NOT NULL,
    actor tenon.said NOT NULL,
    role text NOT NULL,
    request_id text NOT NULL,
    idempotency_key text,
    before text,
    after text,
    CONSTRAINT says_what_changed CHECK (((before IS NOT NULL) OR (after IS NOT NULL)))
)
PARTITION BY RANGE (at);

ALTER TABLE ONLY public.audit_logs FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_logs OWNER TO tenon_owner;

CREATE TABLE public.audit_logs_default (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    entity_id uuid NOT NULL,
    action tenon.said NOT NULL,
    entity_kind tenon.said NOT NULL,
    actor tenon.said NOT NULL,
    role text NOT NULL,
    request_id text NOT NULL,
    idempotency_key text,
    before text,
    after text,
    CONSTRAINT says_what_changed CHECK (((before IS NOT NULL) OR (after IS NOT NULL)))
);

ALTER TABLE ONLY public.audit_logs_default FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_logs_default OWNER TO tenon_owner;

CREATE TABLE public.facility_conversions (
    facility_id uuid NOT NULL,
    business_id uuid NOT NULL,
    owner_id text NOT NULL,
    substance text NOT NULL,
    new_business_type text NOT NULL,
    legal_status text NOT NULL,
    tax_rate numeric(5,2) NOT NULL,
    inventory jsonb NOT NULL,
    illegal_value numeric(18,2) NOT NULL,
    legal_value numeric(18,2) NOT NULL,
    license_application jsonb,
    converted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT facility_conversions_illegal_value_check CHECK (((illegal_value >= (0)::numeric) AND (illegal_value <= ('1000000000000000'::bigint)::numeric))),
    CONSTRAINT facility_conversions_inventory_check CHECK ((jsonb_typeof(inventory) = 'array'::text)),
    CONSTRAINT facility_conversions_legal_status_check CHECK ((legal_status = ANY (ARRAY['Medical'::text, 'Recreational'::text]))),
    CONSTRAINT facility_conversions_legal_value_check CHECK ((legal_value >= (0)::numeric)),
    CONSTRAINT legal_goods_are_cheaper CHECK ((legal_value <= illegal_value))
);

ALTER TABLE public.facility_conversions OWNER TO tenon_owner;

CREATE TABLE public.idempotency_keys (
    claim uuid NOT NULL,
    slot smallint NOT NULL,
    status_code tenon.kept_status NOT NULL,
    version bigint,
    modified timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    audit_id bigint,
    request_hash tenon.fingerprint NOT NULL,
    scope text NOT NULL,
    user_id text NOT NULL,
    key text NOT NULL,
    problem text,
    summary text NOT NULL,
    location text
)
PARTITION BY LIST (slot);

ALTER TABLE public.idempotency_keys OWNER TO tenon_owner;

CREATE TABLE public.idempotency_keys_0 (
    claim uuid NOT NULL,
    slot smallint NOT NULL,
    status_code tenon.kept_status NOT NULL,
    version bigint,
    modified timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    audit_id bigint,
    request_hash tenon.fingerprint NOT NULL,
    scope text NOT NULL,
    user_id text NOT NULL,
    key text NOT NULL,
    problem text,
    summary text NOT NULL,
    location text
)
WITH (autovacuum_enabled=off);

ALTER TABLE public.idempotency_keys_0 OWNER TO tenon_owner;

CREATE TABLE public.idempotency_keys_1 (
    claim uuid NOT NULL,
    slot smallint NOT NULL,
    status_code tenon.kept_status NOT NULL,
    version bigint,
    modified timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    audit_id bigint,
    request_hash tenon.fingerprint NOT NULL,
    scope text NOT NULL,
    user_id text NOT NULL,
    key text NOT NULL,
    problem text,
    summary text NOT NULL,
    location text
)
WITH (autovacuum_enabled=off);

ALTER TABLE public.idempotency_keys_1 OWNER TO tenon_owner;

CREATE TABLE public.idempotency_keys_2 (
    claim uuid NOT NULL,
    slot smallint NOT NULL,
    status_code tenon.kept_status NOT NULL,
    version bigint,
    modified timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    audit_id bigint,
    request_hash tenon.fingerprint NOT NULL,
    scope text NOT NULL,
    user_id text NOT NULL,
    key text NOT NULL,
    problem text,
    summary text NOT NULL,
    location text
)
WITH (autovacuum_enabled=off);

ALTER TABLE public.idempotency_keys_2 OWNER TO tenon_owner;

CREATE TABLE public.idempotency_keys_3 (
    claim uuid NOT NULL,
    slot smallint NOT NULL,
    status_code tenon.kept_status NOT NULL,
    version bigint,
    modified timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    audit_id bigint,
    request_hash tenon.fingerprint NOT NULL,
    scope text NOT NULL,
    user_id text NOT NULL,
    key text NOT NULL,
    problem text,
    summary text NOT NULL,
    location text
)
WITH (autovacuum_enabled=off);

ALTER TABLE public.idempotency_keys_3 OWNER TO tenon_owner;

CREATE TABLE public.market_purchases (
    id uuid DEFAULT tenon.new_id() NOT NULL,
    item_id uuid NOT NULL,
    buyer_id text NOT NULL,
    quantity integer NOT NULL,
    total_price numeric(16,2) NOT NULL,
    delivery_method text NOT NULL,
    meetup_location text,
    escrow_status text DEFAULT 'Pending'::text NOT NULL,
    purchased_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT market_purchases_buyer_id_check CHECK (((char_length(buyer_id) >= 1) AND (char_length(buyer_id) <= 200))),
    CONSTRAINT market_purchases_delivery_method_check CHECK ((delivery_method = ANY (ARRAY['Pickup'::text, 'Courier'::text, 'Shipping'::text]))),
    CONSTRAINT market_purchases_escrow_status_check CHECK ((escrow_status = 'Pending'::text)),
    CONSTRAINT market_purchases_meetup_location_check CHECK (((char_length(meetup_location) >= 1) AND (char_length(meetup_location) <= 200))),
    CONSTRAINT market_purchases_quantity_check CHECK ((quantity >= 1)),
    CONSTRAINT market_purchases_total_price_check CHECK (((total_price >= 0.01) AND (total_price <= ('1000000000000'::bigint)::numeric)))
);

ALTER TABLE public.market_purchases OWNER TO tenon_owner;

CREATE TABLE public.signature_nonces (
    claim uuid NOT NULL,
    attempt uuid NOT NULL,
    key_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE public.signature_nonces OWNER TO tenon_owner;

CREATE TABLE public.signature_replays (
    id uuid DEFAULT tenon.new_id() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    key_id uuid NOT NULL,
    user_id text NOT NULL,
    nonce_claim uuid NOT NULL
);

ALTER TABLE public.signature_replays OWNER TO tenon_owner;

CREATE UNLOGGED TABLE tenon.audit_balance (
    transaction_id xid8 NOT NULL,
    changes bigint NOT NULL,
    digest bigint NOT NULL
)
WITH (vacuum_truncate=off);

ALTER TABLE tenon.audit_balance OWNER TO tenon_owner;

CREATE TABLE tenon.audit_batches (
    transaction_id xid8 NOT NULL,
    first_id bigint NOT NULL,
    last_id bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    entries integer NOT NULL
);

ALTER TABLE ONLY tenon.audit_batches FORCE ROW LEVEL SECURITY;

ALTER TABLE tenon.audit_batches OWNER TO tenon_owner;

CREATE TABLE tenon.audit_checkpoints (
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    transaction_id xid8 NOT NULL,
    last_id bigint NOT NULL,
    CONSTRAINT audit_checkpoints_note_check CHECK ((note <> ''::text)),
    CONSTRAINT audit_checkpoints_root_check CHECK ((length(root) = 32)),
    CONSTRAINT audit_checkpoints_size_check CHECK ((size > 0))
);

ALTER TABLE ONLY tenon.audit_checkpoints FORCE ROW LEVEL SECURITY;

ALTER TABLE tenon.audit_checkpoints OWNER TO tenon_owner;

CREATE TABLE tenon.audit_log_identity (
    only_row boolean DEFAULT true NOT NULL,
    origin text NOT NULL,
    verifier_key text NOT NULL,
    CONSTRAINT audit_log_identity_only_row_check CHECK (only_row),
    CONSTRAINT audit_log_identity_origin_check CHECK ((origin <> ''::text)),
    CONSTRAINT audit_log_identity_verifier_key_check CHECK ((verifier_key <> ''::text))
);

ALTER TABLE ONLY tenon.audit_log_identity FORCE ROW LEVEL SECURITY;

ALTER TABLE tenon.audit_log_identity OWNER TO tenon_owner;

CREATE SEQUENCE tenon.audit_log_ids
    START WITH 1024
    INCREMENT BY 1024
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER TABLE tenon.audit_log_ids OWNER TO tenon_owner;

CREATE TABLE tenon.audit_retired (
    name text NOT NULL,
    from_at timestamp with time zone NOT NULL,
    to_at timestamp with time zone NOT NULL,
    first_id bigint,
    last_id bigint,
    entries bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT audit_retired_entries_check CHECK ((entries >= 0))
);

ALTER TABLE ONLY tenon.audit_retired FORCE ROW LEVEL SECURITY;

ALTER TABLE tenon.audit_retired OWNER TO tenon_owner;

CREATE TABLE tenon.audit_tiles (
    level smallint NOT NULL,
    index bigint NOT NULL,
    hashes bytea NOT NULL,
    first_transaction_id xid8,
    first_id bigint,
    CONSTRAINT audit_tiles_hashes_check CHECK ((((length(hashes) >= 32) AND (length(hashes) <= 8192)) AND ((length(hashes) % 32) = 0))),
    CONSTRAINT audit_tiles_index_check CHECK ((index >= 0)),
    CONSTRAINT audit_tiles_level_check CHECK (((level >= 0) AND (level <= 7))),
    CONSTRAINT leaves_have_keys CHECK (((level > 0) OR ((first_transaction_id IS NOT NULL) AND (first_id IS NOT NULL))))
);
ALTER TABLE ONLY tenon.audit_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

ALTER TABLE ONLY tenon.audit_tiles FORCE ROW LEVEL SECURITY;

ALTER TABLE tenon.audit_tiles OWNER TO tenon_owner;

CREATE TABLE tenon.audit_turn (
    only_row boolean DEFAULT true NOT NULL,
    process integer NOT NULL,
    login oid NOT NULL,
    CONSTRAINT audit_turn_only_row_check CHECK (only_row)
);

ALTER TABLE tenon.audit_turn OWNER TO tenon_owner;

CREATE TABLE tenon.key_generation (
    only_row boolean DEFAULT true NOT NULL,
    slot smallint DEFAULT 0 NOT NULL,
    lifetime_max interval DEFAULT '00:01:00'::interval NOT NULL,
    opened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    closed smallint[] DEFAULT '{}'::smallint[] NOT NULL,
    free_at timestamp with time zone[] DEFAULT ARRAY['-infinity'::timestamp with time zone, '-infinity'::timestamp with time zone, '-infinity'::timestamp with time zone, '-infinity'::timestamp with time zone] NOT NULL,
    CONSTRAINT key_generation_free_at_check CHECK ((cardinality(free_at) = 4)),
    CONSTRAINT key_generation_only_row_check CHECK (only_row),
    CONSTRAINT key_generation_slot_check CHECK (((slot >= 0) AND (slot <= 3)))
);

ALTER TABLE tenon.key_generation OWNER TO tenon_owner;

CREATE TABLE tenon.migrations (
    set text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE tenon.migrations OWNER TO tenon_owner;

CREATE TABLE tenon.operations (
    name text NOT NULL,
    function regproc NOT NULL,
    prelock regproc,
    batch regproc,
    CONSTRAINT operations_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{2,62}$'::text))
);

ALTER TABLE tenon.operations OWNER TO tenon_owner;

ALTER TABLE ONLY public.audit_logs ATTACH PARTITION public.audit_logs_default DEFAULT;

ALTER TABLE ONLY public.idempotency_keys ATTACH PARTITION public.idempotency_keys_0 FOR VALUES IN ('0');

ALTER TABLE ONLY public.idempotency_keys ATTACH PARTITION public.idempotency_keys_1 FOR VALUES IN ('1');

ALTER TABLE ONLY public.idempotency_keys ATTACH PARTITION public.idempotency_keys_2 FOR VALUES IN ('2');

ALTER TABLE ONLY public.idempotency_keys ATTACH PARTITION public.idempotency_keys_3 FOR VALUES IN ('3');

ALTER TABLE ONLY public.audit_logs_default
    ADD CONSTRAINT audit_logs_default_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.businesses
    ADD CONSTRAINT businesses_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.facilities
    ADD CONSTRAINT facilities_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.facility_conversions
    ADD CONSTRAINT facility_conversions_business_id_key UNIQUE (business_id);

ALTER TABLE ONLY public.facility_conversions
    ADD CONSTRAINT facility_conversions_pkey PRIMARY KEY (facility_id);

ALTER TABLE ONLY public.inventory
    ADD CONSTRAINT inventory_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.laundering_channels
    ADD CONSTRAINT laundering_channels_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.legislation
    ADD CONSTRAINT legislation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.market_items
    ADD CONSTRAINT market_items_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.market_purchases
    ADD CONSTRAINT market_purchases_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.legislation
    ADD CONSTRAINT one_law_per_place UNIQUE (substance, jurisdiction_id);

ALTER TABLE ONLY public.businesses
    ADD CONSTRAINT one_name_per_owner UNIQUE (owner_id, name);

ALTER TABLE ONLY public.signature_nonces
    ADD CONSTRAINT signature_nonces_pkey PRIMARY KEY (claim);

ALTER TABLE ONLY public.signature_replays
    ADD CONSTRAINT signature_replays_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.token_revocations
    ADD CONSTRAINT token_revocations_change_key UNIQUE (change);

ALTER TABLE ONLY public.token_revocations
    ADD CONSTRAINT token_revocations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenon.audit_balance
    ADD CONSTRAINT audit_balance_pkey PRIMARY KEY (transaction_id);

ALTER TABLE ONLY tenon.audit_batches
    ADD CONSTRAINT audit_batches_pkey PRIMARY KEY (transaction_id, first_id);

ALTER TABLE ONLY tenon.audit_checkpoints
    ADD CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (size);

ALTER TABLE ONLY tenon.audit_log_identity
    ADD CONSTRAINT audit_log_identity_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY tenon.audit_retired
    ADD CONSTRAINT audit_retired_pkey PRIMARY KEY (name);

ALTER TABLE ONLY tenon.audit_tiles
    ADD CONSTRAINT audit_tiles_pkey PRIMARY KEY (level, index);

ALTER TABLE ONLY tenon.audit_turn
    ADD CONSTRAINT audit_turn_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY tenon.key_generation
    ADD CONSTRAINT key_generation_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY tenon.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (set, number);

ALTER TABLE ONLY tenon.operations
    ADD CONSTRAINT operations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY tenon.signature_rules
    ADD CONSTRAINT signature_rules_pkey PRIMARY KEY (only_row);

CREATE INDEX audit_logs_entity ON ONLY public.audit_logs USING btree (entity_id, id);

CREATE INDEX audit_logs_default_entity_id_id_idx ON public.audit_logs_default USING btree (entity_id, id);

CREATE INDEX facilities_owner ON public.facilities USING btree (owner_id, id);

CREATE UNIQUE INDEX idempotency_keys_0_claim ON public.idempotency_keys_0 USING btree (claim);

CREATE UNIQUE INDEX idempotency_keys_1_claim ON public.idempotency_keys_1 USING btree (claim);

CREATE UNIQUE INDEX idempotency_keys_2_claim ON public.idempotency_keys_2 USING btree (claim);

CREATE UNIQUE INDEX idempotency_keys_3_claim ON public.idempotency_keys_3 USING btree (claim);

CREATE INDEX laundering_channels_owner ON public.laundering_channels USING btree (owner_id, id);

CREATE INDEX market_items_seller ON public.market_items USING btree (seller_id, id);

CREATE INDEX market_purchases_item ON public.market_purchases USING btree (item_id);

CREATE INDEX signature_nonces_expiry ON public.signature_nonces USING btree (expires_at);

CREATE INDEX signing_keys_user ON public.signing_keys USING btree (user_id, id);

CREATE INDEX token_revocations_in_force ON public.token_revocations USING btree (COALESCE(expires_at, 'infinity'::timestamp with time zone)) WHERE (NOT lifted);

CREATE UNIQUE INDEX token_revocations_token ON public.token_revocations USING btree (token_id) WHERE (token_id IS NOT NULL);

CREATE UNIQUE INDEX token_revocations_user ON public.token_revocations USING btree (user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX audit_tiles_first ON tenon.audit_tiles USING btree (first_transaction_id, first_id) WHERE (level = 0);

ALTER INDEX public.audit_logs_entity ATTACH PARTITION public.audit_logs_default_entity_id_id_idx;

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change();

CREATE TRIGGER append_only BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.audit_logs_default FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change();

CREATE TRIGGER changes_count BEFORE UPDATE ON public.laundering_channels FOR EACH ROW WHEN (((new.id <> old.id) OR (new.version <= old.version))) EXECUTE FUNCTION tenon.refuse_uncounted_change();

CREATE TRIGGER changes_count BEFORE UPDATE ON public.signature_replays FOR EACH ROW WHEN ((new.id <> old.id)) EXECUTE FUNCTION tenon.refuse_uncounted_change();

CREATE TRIGGER changes_count BEFORE UPDATE ON public.signing_keys FOR EACH ROW WHEN ((new.id <> old.id)) EXECUTE FUNCTION tenon.refuse_uncounted_change();

CREATE CONSTRAINT TRIGGER check_detail AFTER INSERT OR DELETE OR UPDATE ON public.facility_conversions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenon.check_detail('facility_id');

CREATE CONSTRAINT TRIGGER check_detail AFTER INSERT OR DELETE OR UPDATE ON public.market_purchases DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenon.check_detail('item_id');

CREATE TRIGGER counters_only_grow AFTER UPDATE ON public.inventory FOR EACH ROW WHEN ((((new.quantity_sold)::bigint < (old.quantity_sold)::bigint) OR ((new.version)::bigint <= (old.version)::bigint) OR (new.updated_at <= old.updated_at))) EXECUTE FUNCTION tenon.refuse_shrinking_counters();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.businesses FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.facilities FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.facility_conversions FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.inventory FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.laundering_channels FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.legislation FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.market_items FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.market_purchases FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.signature_replays FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.signing_keys FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.token_revocations FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_truncate();

CREATE TRIGGER note_delete AFTER DELETE ON public.businesses REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_businesses();

CREATE TRIGGER note_delete AFTER DELETE ON public.facilities REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_facilities();

CREATE TRIGGER note_delete AFTER DELETE ON public.inventory REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_inventory();

CREATE TRIGGER note_delete AFTER DELETE ON public.laundering_channels REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_laundering_channels();

CREATE TRIGGER note_delete AFTER DELETE ON public.legislation REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_legislation();

CREATE TRIGGER note_delete AFTER DELETE ON public.market_items REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_market_items();

CREATE TRIGGER note_delete AFTER DELETE ON public.signature_replays REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_signature_replays();

CREATE TRIGGER note_delete AFTER DELETE ON public.signing_keys REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_signing_keys();

CREATE TRIGGER note_delete AFTER DELETE ON public.token_revocations REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_token_revocations();

CREATE TRIGGER note_entries AFTER INSERT ON public.audit_logs REFERENCING NEW TABLE AS added FOR EACH STATEMENT WHEN ((CURRENT_USER <> 'tenon_teller'::text)) EXECUTE FUNCTION tenon.note_entries();

CREATE TRIGGER note_insert AFTER INSERT ON public.businesses REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_businesses();

CREATE TRIGGER note_insert AFTER INSERT ON public.facilities REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_facilities();

CREATE TRIGGER note_insert AFTER INSERT ON public.inventory REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_inventory();

CREATE TRIGGER note_insert AFTER INSERT ON public.laundering_channels REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_laundering_channels();

CREATE TRIGGER note_insert AFTER INSERT ON public.legislation REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_legislation();

CREATE TRIGGER note_insert AFTER INSERT ON public.market_items REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_market_items();

CREATE TRIGGER note_insert AFTER INSERT ON public.signature_replays REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_signature_replays();

CREATE TRIGGER note_insert AFTER INSERT ON public.signing_keys REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_signing_keys();

CREATE TRIGGER note_insert AFTER INSERT ON public.token_revocations REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_token_revocations();

CREATE TRIGGER note_update AFTER UPDATE ON public.businesses REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_businesses();

CREATE TRIGGER note_update AFTER UPDATE ON public.facilities REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_facilities();

CREATE TRIGGER note_update AFTER UPDATE ON public.inventory REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT WHEN ((CURRENT_USER <> 'tenon_teller'::text)) EXECUTE FUNCTION tenon.note_changes_of_inventory();

CREATE TRIGGER note_update AFTER UPDATE ON public.laundering_channels REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_laundering_channels();

CREATE TRIGGER note_update AFTER UPDATE ON public.legislation REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_legislation();

CREATE TRIGGER note_update AFTER UPDATE ON public.market_items REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_market_items();

CREATE TRIGGER note_update AFTER UPDATE ON public.signature_replays REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_signature_replays();

CREATE TRIGGER note_update AFTER UPDATE ON public.signing_keys REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_signing_keys();

CREATE TRIGGER note_update AFTER UPDATE ON public.token_revocations REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenon.note_changes_of_token_revocations();

CREATE TRIGGER received_only_grows AFTER UPDATE OF id, quantity_received ON public.inventory FOR EACH ROW WHEN ((((new.quantity_received)::bigint < (old.quantity_received)::bigint) OR (new.id <> old.id))) EXECUTE FUNCTION tenon.refuse_shrinking_counters();

CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.businesses FOR EACH ROW WHEN (((new.version <= old.version) OR (new.updated_at <= old.updated_at) OR (new.id <> old.id))) EXECUTE FUNCTION tenon.refuse_old_version();

CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.facilities FOR EACH ROW WHEN (((new.version <= old.version) OR (new.updated_at <= old.updated_at) OR (new.id <> old.id))) EXECUTE FUNCTION tenon.refuse_old_version();

CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.legislation FOR EACH ROW WHEN (((new.version <= old.version) OR (new.updated_at <= old.updated_at) OR (new.id <> old.id))) EXECUTE FUNCTION tenon.refuse_old_version();

CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.market_items FOR EACH ROW WHEN (((new.version <= old.version) OR (new.updated_at <= old.updated_at) OR (new.id <> old.id))) EXECUTE FUNCTION tenon.refuse_old_version();

CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.token_revocations FOR EACH ROW WHEN (((new.version <= old.version) OR (new.updated_at <= old.updated_at) OR (new.id <> old.id))) EXECUTE FUNCTION tenon.refuse_old_version();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenon.audit_batches FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenon.audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenon.audit_log_identity FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenon.audit_retired FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON tenon.audit_tiles FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change();

CREATE CONSTRAINT TRIGGER check_audit_balance AFTER INSERT ON tenon.audit_balance DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenon.check_audit_balance();

CREATE TRIGGER only_grows BEFORE UPDATE ON tenon.audit_tiles FOR EACH ROW EXECUTE FUNCTION tenon.only_grows();

ALTER TABLE ONLY public.facility_conversions
    ADD CONSTRAINT facility_conversions_facility_id_fkey FOREIGN KEY (facility_id) REFERENCES public.facilities(id);

ALTER TABLE ONLY public.market_purchases
    ADD CONSTRAINT market_purchases_item_id_fkey FOREIGN KEY (item_id) REFERENCES public.market_items(id);

CREATE POLICY append ON public.audit_logs FOR INSERT TO tenon_owner, tenon_teller WITH CHECK ((transaction_id = pg_current_xact_id()));

ALTER TABLE public.audit_logs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_logs_default ENABLE ROW LEVEL SECURITY;

CREATE POLICY read ON public.audit_logs FOR SELECT TO tenon_owner, tenon_teller, tenon_edge, tenon_auditor, tenon_sealer USING (true);

CREATE POLICY append ON tenon.audit_batches FOR INSERT TO tenon_owner, tenon_teller WITH CHECK (true);

CREATE POLICY append ON tenon.audit_checkpoints FOR INSERT TO tenon_owner WITH CHECK (true);

CREATE POLICY append ON tenon.audit_log_identity FOR INSERT TO tenon_owner WITH CHECK (true);

CREATE POLICY append ON tenon.audit_retired FOR INSERT TO tenon_owner WITH CHECK (true);

CREATE POLICY append ON tenon.audit_tiles FOR INSERT TO tenon_owner WITH CHECK (true);

ALTER TABLE tenon.audit_batches ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenon.audit_checkpoints ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenon.audit_log_identity ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenon.audit_retired ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenon.audit_tiles ENABLE ROW LEVEL SECURITY;

CREATE POLICY grow ON tenon.audit_tiles FOR UPDATE TO tenon_owner USING (true) WITH CHECK (true);

CREATE POLICY read ON tenon.audit_batches FOR SELECT TO tenon_owner, tenon_teller, tenon_edge, tenon_auditor, tenon_sealer USING (true);

CREATE POLICY read ON tenon.audit_checkpoints FOR SELECT TO tenon_owner, tenon_edge, tenon_auditor, tenon_sealer USING (true);

CREATE POLICY read ON tenon.audit_log_identity FOR SELECT TO tenon_owner, tenon_edge, tenon_auditor, tenon_sealer USING (true);

CREATE POLICY read ON tenon.audit_retired FOR SELECT TO tenon_owner, tenon_edge, tenon_auditor, tenon_sealer USING (true);

CREATE POLICY read ON tenon.audit_tiles FOR SELECT TO tenon_owner, tenon_edge, tenon_auditor, tenon_sealer USING (true);

REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO tenon_edge;
GRANT USAGE ON SCHEMA public TO tenon_auditor;
GRANT USAGE ON SCHEMA public TO tenon_sealer;
GRANT USAGE ON SCHEMA public TO tenon_teller;

GRANT USAGE ON SCHEMA tenon TO tenon_edge;
GRANT USAGE ON SCHEMA tenon TO tenon_auditor;
GRANT USAGE ON SCHEMA tenon TO tenon_sealer;
GRANT USAGE ON SCHEMA tenon TO tenon_teller;

REVOKE ALL ON TYPE tenon.command FROM PUBLIC;

REVOKE ALL ON TYPE tenon.fingerprint FROM PUBLIC;

REVOKE ALL ON TYPE tenon.image_url FROM PUBLIC;

REVOKE ALL ON TYPE tenon.item_name FROM PUBLIC;

REVOKE ALL ON TYPE tenon.item_origin FROM PUBLIC;

REVOKE ALL ON TYPE tenon.item_price FROM PUBLIC;

REVOKE ALL ON TYPE tenon.kept_status FROM PUBLIC;

REVOKE ALL ON TYPE tenon.outcome FROM PUBLIC;

REVOKE ALL ON TYPE tenon.pieces FROM PUBLIC;

REVOKE ALL ON TYPE tenon.replies FROM PUBLIC;
GRANT ALL ON TYPE tenon.replies TO tenon_edge;
GRANT ALL ON TYPE tenon.replies TO tenon_teller;

REVOKE ALL ON TYPE tenon.said FROM PUBLIC;

REVOKE ALL ON TYPE tenon.state_code FROM PUBLIC;

REVOKE ALL ON TYPE tenon.version FROM PUBLIC;

REVOKE ALL ON FUNCTION public.decrement_stock_atomic(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decrement_stock_atomic(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[]) TO tenon_edge;
GRANT ALL ON FUNCTION public.decrement_stock_atomic(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[]) TO tenon_owner;

REVOKE ALL ON FUNCTION public.decrement_stock_signed(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decrement_stock_signed(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.add_audit_months() FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.add_audit_months() TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.add_audit_partition(name text, bounds text) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.add_signing_key(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.admit_signatures(users text[], roles text[], request_ids text[], keys text[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.admit_signed(users text[], roles text[], request_ids text[], keys text[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.admit_signed(users text[], roles text[], request_ids text[], keys text[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.audit(command tenon.command, action text, entity_kind text, entity_id uuid, before text, after text) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.audit_detail(target regclass, entity_column name) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.audit_table(target regclass, id_column name, guarded boolean, but_for name) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.await_replication_of_stored(claims uuid[], origins smallint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.begin_keyed(claim uuid, fingerprint bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.begin_keyed(claim uuid, fingerprint bytea) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.is_holdings(holdings jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.new_id() FROM PUBLIC;

GRANT SELECT ON TABLE public.businesses TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.business_answer(status integer, b public.businesses, audit_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.business_body(b public.businesses) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.business_body(b public.businesses) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.change_moment(last timestamp with time zone) FROM PUBLIC;

GRANT SELECT ON TABLE public.laundering_channels TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.channel_body(c public.laundering_channels) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.channel_body(c public.laundering_channels) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.check_audit_balance() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.check_detail() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.conversion_name(arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.convert_facility(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.create_business(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.create_channel(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.create_facility(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.create_item(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.create_market_item(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.create_order(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.create_orders(users text[], roles text[], request_ids text[], keys text[], arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.decrement_item(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.delete_business(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.delete_item(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.ensure_key_lifetime(wanted interval) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.ensure_key_lifetime(wanted interval) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.ensure_signature_window(wanted interval) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.ensure_signature_window(wanted interval) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.execute(operation text, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.execute(operation text, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) TO tenon_edge;
GRANT ALL ON FUNCTION tenon.execute(operation text, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) TO tenon_teller;

REVOKE ALL ON FUNCTION tenon.execute_admitted(operation text, refusals text[], claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.execute_at_once(batch regproc, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.execute_signed(operation text, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.execute_signed(operation text, claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[], request_ids text[], arguments jsonb[], nonces uuid[], attempts uuid[], key_ids uuid[], created timestamp with time zone[]) TO tenon_edge;

GRANT SELECT ON TABLE public.facilities TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.facility_body(f public.facilities) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.facility_body(f public.facilities) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.forget_expired(claims uuid[], clock timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.forget_nonces() FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.forget_nonces() TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.hold_key_generation() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.increment_stock(command tenon.command, arguments jsonb) FROM PUBLIC;

GRANT SELECT ON TABLE public.legislation TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.is_convertible(law public.legislation, today date) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.iso(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.iso(at timestamp with time zone) TO tenon_edge;
GRANT ALL ON FUNCTION tenon.iso(at timestamp with time zone) TO tenon_teller;

REVOKE ALL ON FUNCTION tenon.item_head(id uuid, name text, origin text, price numeric, image_url text, created_at timestamp with time zone) FROM PUBLIC;

GRANT SELECT ON TABLE public.inventory TO tenon_edge;
GRANT SELECT ON TABLE public.inventory TO tenon_teller;

GRANT UPDATE(quantity_available) ON TABLE public.inventory TO tenon_teller;

GRANT UPDATE(quantity_sold) ON TABLE public.inventory TO tenon_teller;

GRANT UPDATE(version) ON TABLE public.inventory TO tenon_teller;

GRANT UPDATE(updated_at) ON TABLE public.inventory TO tenon_teller;

GRANT UPDATE(prior_updated_at) ON TABLE public.inventory TO tenon_teller;

REVOKE ALL ON FUNCTION tenon.item_answer(status integer, item public.inventory, audit_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.item_body(item public.inventory) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.item_body(item public.inventory) TO tenon_edge;
GRANT ALL ON FUNCTION tenon.item_body(item public.inventory) TO tenon_teller;

REVOKE ALL ON FUNCTION tenon.item_stock(available bigint, sold bigint, version bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.item_stock(available bigint, sold bigint, version bigint) TO tenon_teller;

REVOKE ALL ON FUNCTION tenon.item_tail(available bigint, sold bigint, version bigint, updated_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.item_tail(available bigint, sold bigint, version bigint, updated_at timestamp with time zone) TO tenon_edge;
GRANT ALL ON FUNCTION tenon.item_tail(available bigint, sold bigint, version bigint, updated_at timestamp with time zone) TO tenon_teller;

REVOKE ALL ON FUNCTION tenon.json_text(value text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.json_text(value text) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.keep_reply(claim uuid, scope text, user_id text, key text, fingerprint bytea, lifetime integer, status integer, problem text, body text, version bigint, modified timestamp with time zone, location text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.keep_reply(claim uuid, scope text, user_id text, key text, fingerprint bytea, lifetime integer, status integer, problem text, body text, version bigint, modified timestamp with time zone, location text) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.legislation_body(law public.legislation) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.legislation_body(law public.legislation) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.lift_revocation(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.location_body(state text, city text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.location_body(state text, city text) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.lock_business_names(owners text[], names text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.lock_businesses(arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.lock_conversions(arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.lock_items(arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.lock_legislation(arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.lock_market_items(arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.lock_new_businesses(arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.lock_revocations(arguments jsonb[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.make_append_only(log regclass, owner_may text, events text, readers text, rule text, writers text) FROM PUBLIC;

GRANT SELECT ON TABLE public.market_items TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.market_item_body(i public.market_items) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.market_item_body(i public.market_items) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.name_taken(owner text, name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.next_revocation_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.no_such_item(id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.not_owner(detail text) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_changes_of_businesses() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_changes_of_facilities() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_changes_of_inventory() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_changes_of_laundering_channels() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_changes_of_legislation() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_changes_of_market_items() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_changes_of_signature_replays() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_changes_of_signing_keys() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_changes_of_token_revocations() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.note_entries() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.only_grows() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.order_body(id uuid, lines text, total numeric, at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.order_line(item_id uuid, name text, quantity integer, price numeric, available bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.owns(command tenon.command, owner text) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.precondition_holds(precondition jsonb, version bigint, modified timestamp with time zone, prior timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.purchase_market_item(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.put_legislation(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.raise_key_collision(claims uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.read_outcome(asked uuid, held text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.read_outcome(asked uuid, held text) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.refuse_old_version() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.refuse_shrinking_counters() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.refuse_truncate() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.refuse_uncounted_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.refused(status integer, problem text, detail text, members jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.register_operation(name text, function regproc, prelock regproc, batch regproc) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.retire_audit_month(month text) FROM PUBLIC;

GRANT SELECT ON TABLE public.token_revocations TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.revocation_body(one public.token_revocations) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.revocation_body(one public.token_revocations) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.revoke_signing_key(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.revoke_tokens(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.seal_audit(known_size bigint, log_origin text, log_key text, tree_size bigint, tree_root bytea, signed_note text, last_transaction xid8, last_entry bigint, levels smallint[], indexes bigint[], tiles bytea[], first_transactions xid8[], first_entries bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.seal_audit(known_size bigint, log_origin text, log_key text, tree_size bigint, tree_root bytea, signed_note text, last_transaction xid8, last_entry bigint, levels smallint[], indexes bigint[], tiles bytea[], first_transactions xid8[], first_entries bigint[]) TO tenon_sealer;

REVOKE ALL ON FUNCTION tenon.signature_end(created timestamp with time zone, rules tenon.signature_rules) FROM PUBLIC;

GRANT SELECT ON TABLE public.signing_keys TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.signing_key_body(key public.signing_keys) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.signing_key_body(key public.signing_keys) TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.stale(version bigint, modified timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.stale_or_gone(detail text) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.store_replies(claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], replies tenon.replies) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.stored_in(slots smallint[], claims uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.stored_in(slots smallint[], claims uuid[]) TO tenon_teller;

REVOKE ALL ON FUNCTION tenon.stored_replies(claims uuid[], fingerprints bytea[], clock timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.take_audit_turn() FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.take_audit_turn() TO tenon_sealer;

REVOKE ALL ON FUNCTION tenon.turn_key_generation() FROM PUBLIC;
GRANT ALL ON FUNCTION tenon.turn_key_generation() TO tenon_edge;

REVOKE ALL ON FUNCTION tenon.update_business(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.update_item(command tenon.command, arguments jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenon.valued_holdings(inventory jsonb) FROM PUBLIC;

REVOKE ALL ON TABLE public.audit_logs FROM tenon_owner;
GRANT SELECT,INSERT ON TABLE public.audit_logs TO tenon_owner;
GRANT SELECT,INSERT ON TABLE public.audit_logs TO tenon_teller;
GRANT SELECT ON TABLE public.audit_logs TO tenon_edge;
GRANT SELECT ON TABLE public.audit_logs TO tenon_auditor;
GRANT SELECT ON TABLE public.audit_logs TO tenon_sealer;

REVOKE ALL ON TABLE public.audit_logs_default FROM tenon_owner;

GRANT SELECT,INSERT ON TABLE public.idempotency_keys TO tenon_teller;

GRANT SELECT ON TABLE public.idempotency_keys_0 TO tenon_teller;

GRANT SELECT ON TABLE public.idempotency_keys_1 TO tenon_teller;

GRANT SELECT ON TABLE public.idempotency_keys_2 TO tenon_teller;

GRANT SELECT ON TABLE public.idempotency_keys_3 TO tenon_teller;

REVOKE ALL ON TABLE tenon.audit_batches FROM tenon_owner;
GRANT SELECT,INSERT ON TABLE tenon.audit_batches TO tenon_owner;
GRANT SELECT,INSERT ON TABLE tenon.audit_batches TO tenon_teller;
GRANT SELECT ON TABLE tenon.audit_batches TO tenon_edge;
GRANT SELECT ON TABLE tenon.audit_batches TO tenon_auditor;
GRANT SELECT ON TABLE tenon.audit_batches TO tenon_sealer;

REVOKE ALL ON TABLE tenon.audit_checkpoints FROM tenon_owner;
GRANT SELECT,INSERT ON TABLE tenon.audit_checkpoints TO tenon_owner;
GRANT SELECT ON TABLE tenon.audit_checkpoints TO tenon_edge;
GRANT SELECT ON TABLE tenon.audit_checkpoints TO tenon_auditor;
GRANT SELECT ON TABLE tenon.audit_checkpoints TO tenon_sealer;

REVOKE ALL ON TABLE tenon.audit_log_identity FROM tenon_owner;
GRANT SELECT,INSERT ON TABLE tenon.audit_log_identity TO tenon_owner;
GRANT SELECT ON TABLE tenon.audit_log_identity TO tenon_edge;
GRANT SELECT ON TABLE tenon.audit_log_identity TO tenon_auditor;
GRANT SELECT ON TABLE tenon.audit_log_identity TO tenon_sealer;

GRANT SELECT ON SEQUENCE tenon.audit_log_ids TO tenon_auditor;
GRANT USAGE ON SEQUENCE tenon.audit_log_ids TO tenon_teller;

REVOKE ALL ON TABLE tenon.audit_retired FROM tenon_owner;
GRANT SELECT,INSERT ON TABLE tenon.audit_retired TO tenon_owner;
GRANT SELECT ON TABLE tenon.audit_retired TO tenon_edge;
GRANT SELECT ON TABLE tenon.audit_retired TO tenon_auditor;
GRANT SELECT ON TABLE tenon.audit_retired TO tenon_sealer;

REVOKE ALL ON TABLE tenon.audit_tiles FROM tenon_owner;
GRANT SELECT,INSERT,UPDATE ON TABLE tenon.audit_tiles TO tenon_owner;
GRANT SELECT ON TABLE tenon.audit_tiles TO tenon_edge;
GRANT SELECT ON TABLE tenon.audit_tiles TO tenon_auditor;
GRANT SELECT ON TABLE tenon.audit_tiles TO tenon_sealer;

GRANT SELECT,UPDATE ON TABLE tenon.key_generation TO tenon_teller;

GRANT SELECT ON TABLE tenon.migrations TO tenon_edge;

