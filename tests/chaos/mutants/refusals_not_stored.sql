-- Only successes are stored under their key: who asks again after a refusal may be told something else.
CREATE OR REPLACE FUNCTION tenon.store_replies(
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
    WHERE origin = 0 AND status < 300
  ), kept AS (
    INSERT INTO idempotency_keys (claim, slot, status_code, version, modified, expires_at, audit_id, request_hash, scope,
                                  user_id, key, problem, summary, location)
    SELECT claim, (SELECT slot FROM tenon.key_generation), status, version, modified, expires, audit_id, fingerprint, scope,
           user_id, key, problem, body, location
    FROM answer ORDER BY claim
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
