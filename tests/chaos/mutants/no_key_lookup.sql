-- Nobody looks a key up: what was answered is done again. tenon.stored_replies finds nothing, tenon.store_replies keeps the
-- first answer of a key and says nothing of the second.
CREATE OR REPLACE FUNCTION tenon.stored_replies(claims uuid[], fingerprints bytea[], clock timestamptz) RETURNS tenon.replies
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT ROW(array_agg(NULL::smallint), array_agg(NULL::smallint), array_agg(NULL::text), array_agg(NULL::text),
             array_agg(NULL::bigint), array_agg(NULL::timestamptz), array_agg(NULL::text), array_agg(NULL::timestamptz),
             array_agg(NULL::bigint), clock)::tenon.replies
  FROM unnest(claims)
$$;

CREATE OR REPLACE FUNCTION tenon.store_replies(
  claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], replies tenon.replies)
RETURNS void LANGUAGE sql SET search_path = public, pg_temp AS $$
  INSERT INTO idempotency_keys (claim, slot, status_code, version, modified, expires_at, audit_id, request_hash, scope,
                                user_id, key, problem, summary, location)
  SELECT claim, (SELECT slot FROM tenon.key_generation), status, version, modified, expires, audit_id, fingerprint, scope,
         user_id, key, problem, body, location
  FROM unnest(claims, scopes, users, keys, fingerprints, replies.origins, replies.statuses, replies.problems,
              replies.bodies, replies.versions, replies.modified, replies.locations, replies.expires, replies.audit_ids)
    AS a (claim, scope, user_id, key, fingerprint, origin, status, problem, body, version, modified, location, expires, audit_id)
  WHERE origin = 0 AND status NOT IN (403, 422) ORDER BY claim
  ON CONFLICT DO NOTHING
$$;
