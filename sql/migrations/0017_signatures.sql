-- Signed requests: whose keys there are, and which nonces were used (docs/reference/signatures.md).

CREATE TABLE public.signing_keys (
  id uuid PRIMARY KEY,  -- the signature's keyid
  user_id text NOT NULL CHECK (octet_length(user_id) BETWEEN 1 AND 200),
  algorithm text NOT NULL
    CHECK (algorithm IN ('hmac-sha256', 'ed25519', 'ecdsa-p256-sha256', 'rsa-pss-sha512', 'rsa-v1_5-sha256')),
  -- PEM of the public key; of hmac-sha256 the secret, sealed under a key that only nodes have (safeguards/signature/sealed.hpp).
  material text NOT NULL CHECK (octet_length(material) BETWEEN 1 AND 4096),
  label text NOT NULL CHECK (char_length(label) <= 200),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz CHECK (expires_at > created_at),
  revoked_at timestamptz
);
CREATE INDEX signing_keys_user ON public.signing_keys (user_id, id);
REVOKE ALL ON public.signing_keys FROM PUBLIC;
GRANT SELECT ON public.signing_keys TO tenon_edge;

-- Without the material: what is shown, stored under idempotency keys and audited.
CREATE FUNCTION tenon.signing_key_body(key public.signing_keys) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('id', key.id, 'user', key.user_id, 'algorithm', key.algorithm, 'label', key.label,
                           'created_at', tenon.iso(key.created_at), 'expires_at', tenon.iso(key.expires_at),
                           'revoked_at', tenon.iso(key.revoked_at))::text
$$;
GRANT EXECUTE ON FUNCTION tenon.signing_key_body TO tenon_edge;

-- {"id", "user", "algorithm", "material", "label", "expires_at"?}
CREATE FUNCTION tenon.add_signing_key(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- {"id"}. Who revokes what is revoked changes nothing, and is told so.
CREATE FUNCTION tenon.revoke_signing_key(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
SELECT tenon.register_operation('add_signing_key', 'tenon.add_signing_key');
SELECT tenon.register_operation('revoke_signing_key', 'tenon.revoke_signing_key');

-- For how long after its `created` a signature may come to any node, the node's skew included; never lowered. A nonce is
-- remembered for exactly that long, so when a longer window comes in, nonces of before were promised the shorter one: a
-- signature that was made before the change is good for that one only. When it was made is what its client wrote, so
-- `raised_at` is later than anything that may have been taken under the rules of before.
CREATE TABLE tenon.signature_rules (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  window_max interval NOT NULL DEFAULT '0',  -- nobody has asked yet, and no signature is taken
  window_before interval NOT NULL DEFAULT '0',
  raised_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO tenon.signature_rules DEFAULT VALUES;

-- Nonces in use. `claim` is the first half of the SHA-256 of key and nonce; `attempt` is drawn by the node for each request
-- that it gets, and sent again by the node alone: so that a node which lost the answer to a COMMIT knows its own request
-- again, and nobody else's copy of it is taken for that.
CREATE TABLE public.signature_nonces (
  claim uuid PRIMARY KEY,
  attempt uuid NOT NULL,
  key_id uuid NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX signature_nonces_expiry ON public.signature_nonces (expires_at);

-- Every refused repetition, as the audit log tells of it.
CREATE TABLE public.signature_replays (
  id uuid PRIMARY KEY DEFAULT tenon.new_id(),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  key_id uuid NOT NULL,
  user_id text NOT NULL,
  nonce_claim uuid NOT NULL
);
REVOKE ALL ON tenon.signature_rules, public.signature_nonces, public.signature_replays FROM PUBLIC;

CREATE FUNCTION tenon.ensure_signature_window(wanted interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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

CREATE FUNCTION tenon.signature_end(created timestamptz, rules tenon.signature_rules) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
  SELECT created + CASE WHEN created >= (rules).raised_at THEN (rules).window_max ELSE (rules).window_before END
$$;

-- Takes the nonces of a batch into use; what has none (null) is not signed. Says for each command why it must not run, or null.
-- Taken in the order of claims and before any other lock of the transaction, so nobody waits in a ring. The key is looked at
-- once more: a node knows a revocation some seconds later, a write at once. That a window has closed is judged by the one clock
-- by which nonces are forgotten, whatever the nodes' clocks say.
-- What this very attempt has taken already was committed with its command, and that is to be answered from what is stored:
-- neither a window that has closed since nor a key that was revoked since makes it undone.
CREATE FUNCTION tenon.admit_signatures(
  users text[], roles text[], request_ids text[], keys text[], nonces uuid[], attempts uuid[], key_ids uuid[],
  created timestamptz[])
RETURNS text[]
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
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

-- tenon.execute for those of a batch that were admitted; the others get their refusals, which are stored under no key.
CREATE FUNCTION tenon.execute_admitted(
  operation text, refusals text[],
  claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[],
  request_ids text[], arguments jsonb[])
RETURNS tenon.replies
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- As tenon.execute, of a batch in which some commands are signed.
CREATE FUNCTION tenon.execute_signed(
  operation text,
  claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[],
  request_ids text[], arguments jsonb[],
  nonces uuid[], attempts uuid[], key_ids uuid[], created timestamptz[])
RETURNS tenon.replies
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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

-- As decrement_stock_atomic, of a batch in which some sales are signed.
CREATE FUNCTION public.decrement_stock_signed(
  claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[],
  request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[],
  nonces uuid[], attempts uuid[], key_ids uuid[], created timestamptz[])
RETURNS tenon.replies
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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

-- For signed requests that are no batch of writes: reads, and the first step of handle_idempotent's transaction. Statuses are
-- 200 and 401.
CREATE FUNCTION tenon.admit_signed(
  users text[], roles text[], request_ids text[], keys text[], nonces uuid[], attempts uuid[], key_ids uuid[],
  created timestamptz[])
RETURNS TABLE (statuses smallint[], problems text[], bodies text[], versions bigint[], modified timestamptz[])
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT array_agg(CASE WHEN problem IS NULL THEN 200 ELSE 401 END::smallint ORDER BY n), array_agg(problem ORDER BY n),
         array_agg('{}'::text), array_agg(NULL::bigint), array_agg(NULL::timestamptz)
  FROM unnest(tenon.admit_signatures(users, roles, request_ids, keys, nonces, attempts, key_ids, created)) WITH ORDINALITY
    AS r (problem, n)
$$;

-- Forgets nonces whose windows have closed, a portion at a time; how many. Called by any node every few seconds. A minute late:
-- a clock that is set back that far does not open a window again.
CREATE FUNCTION tenon.forget_nonces() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
  WITH gone AS (
    DELETE FROM signature_nonces WHERE claim IN (
      SELECT claim FROM signature_nonces WHERE expires_at < clock_timestamp() - interval '1 minute'
      ORDER BY expires_at LIMIT 10000 FOR UPDATE SKIP LOCKED)
    RETURNING 1)
  SELECT count(*) FROM gone
$$;
GRANT EXECUTE ON FUNCTION tenon.ensure_signature_window, tenon.execute_signed, public.decrement_stock_signed, tenon.admit_signed,
  tenon.forget_nonces TO tenon_edge;

SELECT tenon.audit_table('public.signing_keys', 'id');
SELECT tenon.audit_table('public.signature_replays', 'id');
