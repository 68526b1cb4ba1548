-- Tokens that are refused before they expire: one by its id (`jti`), or all that a user was given before an instant.
--
-- Each node keeps the list in memory and asks every moment for what has changed since: changes are numbered under a lock that
-- is held until the commit, so whoever has seen a number has seen all before it. Rows are kept for ever: a node that was away
-- finds every change that it missed. In force is what is not lifted and has not expired, or less than a day ago: a token lives
-- on by its leeway.
CREATE TABLE public.token_revocations (
  id uuid PRIMARY KEY DEFAULT tenon.new_id(),
  token_id text CHECK (octet_length(token_id) BETWEEN 1 AND 200),
  user_id text CHECK (octet_length(user_id) BETWEEN 1 AND 200),
  issued_before timestamptz,  -- of a user
  expires_at timestamptz,     -- of a token: when it expires by itself; null: nobody said
  reason text CHECK (char_length(reason) BETWEEN 1 AND 200),
  lifted boolean NOT NULL DEFAULT false,
  change bigint NOT NULL UNIQUE,
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT of_a_token_or_of_a_user CHECK (
    (token_id IS NULL) <> (user_id IS NULL) AND (user_id IS NULL) = (issued_before IS NULL)
    AND (expires_at IS NULL OR user_id IS NULL))
);
-- One word on each: a second one changes the first.
CREATE UNIQUE INDEX token_revocations_token ON public.token_revocations (token_id) WHERE token_id IS NOT NULL;
CREATE UNIQUE INDEX token_revocations_user ON public.token_revocations (user_id) WHERE user_id IS NOT NULL;
-- To count those in force without those that are not.
CREATE INDEX token_revocations_in_force ON public.token_revocations (coalesce(expires_at, 'infinity')) WHERE NOT lifted;
REVOKE ALL ON public.token_revocations FROM PUBLIC;
GRANT SELECT ON public.token_revocations TO tenon_edge;

CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.token_revocations FOR EACH ROW
  WHEN (NEW.version <= OLD.version OR NEW.updated_at <= OLD.updated_at OR NEW.id <> OLD.id)
  EXECUTE FUNCTION tenon.refuse_old_version();

CREATE FUNCTION tenon.revocation_body(one public.token_revocations) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"id":"' || one.id || '","token_id":' || tenon.json_text(one.token_id) || ',"user":' || tenon.json_text(one.user_id)
         || ',"issued_before":' || coalesce('"' || tenon.iso(one.issued_before) || '"', 'null')
         || ',"expires_at":' || coalesce('"' || tenon.iso(one.expires_at) || '"', 'null')
         || ',"reason":' || tenon.json_text(one.reason) || ',"lifted":' || one.lifted
         || ',"updated_at":"' || tenon.iso(one.updated_at) || '"}'
$$;
GRANT EXECUTE ON FUNCTION tenon.revocation_body TO tenon_edge;

-- Under tenon.lock_revocations alone.
CREATE FUNCTION tenon.next_revocation_change() RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
  SELECT coalesce(max(change), 0) + 1 FROM token_revocations
$$;

-- {"token_id", "expires_at"?, "reason"?} or {"user", "issued_before"?, "reason"?}; without `issued_before`: now.
-- A user's instant and a token's end only move forward, no end being the latest: an earlier one changes nothing, unless the
-- revocation was lifted.
CREATE FUNCTION tenon.revoke_tokens(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- {"id"}: tokens that it concerned are taken again, as far as they have not expired.
CREATE FUNCTION tenon.lift_revocation(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

CREATE FUNCTION tenon.lock_revocations(arguments jsonb[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
  SELECT pg_advisory_xact_lock('public.token_revocations'::regclass::oid::integer, 0)
$$;
SELECT tenon.audit_table('public.token_revocations', 'id', guarded => true);

SELECT tenon.register_operation('revoke_tokens', 'tenon.revoke_tokens', 'tenon.lock_revocations');
SELECT tenon.register_operation('lift_revocation', 'tenon.lift_revocation', 'tenon.lock_revocations');
