-- The sale: the busiest write, and the only way by which stock goes out.

-- One command: {"id", "decrement", "precondition"?}. For what the set-based statement below leaves over.
CREATE FUNCTION tenon.decrement_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
SELECT tenon.register_operation('decrement_item', 'tenon.decrement_item', 'tenon.lock_items');

-- A batch of sales, each at most once per key. Locks the items in id order, looks the keys up after that (so that a
-- duplicate which sold the same item on another node is simply seen), and then, in the usual case - every command fresh,
-- without a concurrency token, and every item with enough for all who ask - changes stock, audit log and keys in one
-- statement. Any other batch goes through tenon.execute, command by command in the order given: a smaller later command
-- may then get what a larger earlier one could not.
CREATE FUNCTION public.decrement_stock_atomic(
  claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[],
  request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[])
RETURNS tenon.replies
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  usual boolean;
  generation tenon.key_generation;
  lifetime_max_seconds integer;
  clock timestamptz;
  first_audit_id bigint;
  stored bigint;
  replies tenon.replies;
BEGIN
  IF EXISTS (SELECT FROM unnest(item_ids, quantities) AS c (item_id, quantity) WHERE (quantity >= 1) IS NOT TRUE) THEN
    RAISE EXCEPTION 'a sale is of at least one piece' USING ERRCODE = 'check_violation';
  END IF;
  LOCK TABLE tenon.key_generation IN ROW SHARE MODE;

  WITH item AS MATERIALIZED (
    SELECT id, quantity_available FROM inventory WHERE id = ANY (item_ids) ORDER BY id FOR UPDATE
  )
  -- bool_and passes nulls over: an item that is not there must count as one without stock.
  SELECT coalesce(bool_and(coalesce(item.quantity_available, 0) >= asked.total), false) INTO usual
  FROM (SELECT item_id, sum(quantity) AS total FROM unnest(item_ids, quantities) AS c (item_id, quantity) GROUP BY item_id)
    AS asked
  LEFT JOIN item ON item.id = asked.item_id;

  IF NOT usual OR EXISTS (SELECT FROM unnest(preconditions) AS p WHERE p IS NOT NULL)
     OR EXISTS (SELECT FROM idempotency_keys WHERE claim = ANY (claims)) THEN
    RETURN tenon.execute('decrement_item', claims, scopes, users, keys, fingerprints, lifetimes, roles, request_ids, ARRAY(
      SELECT jsonb_strip_nulls(jsonb_build_object('id', id, 'decrement', quantity, 'precondition', precondition))
      FROM unnest(item_ids, quantities, preconditions) WITH ORDINALITY AS c (id, quantity, precondition, n) ORDER BY n));
  END IF;

  SELECT * INTO generation FROM tenon.key_generation;
  lifetime_max_seconds := extract(epoch FROM generation.lifetime_max);
  clock := clock_timestamp();
  first_audit_id := nextval('tenon.audit_log_ids');
  WITH asked AS MATERIALIZED (
    SELECT *, row_number() OVER same_item AS k, sum(quantity) OVER same_item AS running
    FROM unnest(claims, scopes, users, keys, fingerprints, lifetimes, roles, request_ids, item_ids, quantities)
      WITH ORDINALITY AS c (claim, scope, user_id, key, fingerprint, lifetime, role, request_id, item_id, quantity, n)
    WINDOW same_item AS (PARTITION BY item_id ORDER BY n)
  ), changed AS (
    UPDATE inventory SET
      quantity_available = quantity_available - total.quantity, quantity_sold = quantity_sold + total.quantity,
      version = version + total.changes,
      prior_updated_at = CASE WHEN total.changes = 1 THEN updated_at
                              ELSE greatest(clock, updated_at + interval '1 us') + (total.changes - 2) * interval '1 us' END,
      updated_at = greatest(clock, updated_at + interval '1 us') + (total.changes - 1) * interval '1 us'
    FROM (SELECT item_id, sum(quantity) AS quantity, count(*) AS changes FROM asked GROUP BY item_id) AS total
    WHERE id = total.item_id
    -- What was there before, and the moment of the first of the changes.
    RETURNING id, tenon.item_head(inventory) AS head, quantity_available + total.quantity AS available,
              quantity_sold - total.quantity AS sold, version - total.changes AS version,
              updated_at - total.changes * interval '1 us' AS moment
  ), told AS MATERIALIZED (
    SELECT asked.*, first_audit_id + asked.n - 1 AS audit_id, changed.version + asked.k AS version,
           changed.moment + asked.k * interval '1 us' AS modified,
           clock + least(asked.lifetime, lifetime_max_seconds) * interval '1 s' AS expires,
           tenon.item_stock(changed.available - asked.running + asked.quantity, changed.sold + asked.running - asked.quantity,
                            changed.version + asked.k - 1) AS before,
           tenon.item_stock(changed.available - asked.running, changed.sold + asked.running, changed.version + asked.k) AS after,
           changed.head || tenon.item_tail(changed.available - asked.running, changed.sold + asked.running,
                                           changed.version + asked.k, changed.moment + asked.k * interval '1 us') AS body
    FROM asked JOIN changed ON changed.id = asked.item_id
  ), audited AS (
    INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role, request_id, idempotency_key, before, after)
    SELECT audit_id, modified, item_id, 'STOCK_DECREMENT', 'item', user_id, role, request_id, key, before, after FROM told
  ), kept AS (
    INSERT INTO idempotency_keys (claim, slot, status_code, version, modified, expires_at, audit_id, request_hash, scope,
                                  user_id, key, summary)
    SELECT claim, generation.slot, 200, version, modified, expires, audit_id, fingerprint, scope,
           user_id, key, body
    FROM told ORDER BY claim
    ON CONFLICT DO NOTHING
    RETURNING 1
  )
  SELECT array_agg(0::smallint), array_agg(200::smallint), array_agg(NULL::text), array_agg(body), array_agg(version),
         array_agg(modified), array_agg(NULL::text), array_agg(expires), array_agg(audit_id), clock, (SELECT count(*) FROM kept)
  INTO replies.origins, replies.statuses, replies.problems, replies.bodies, replies.versions, replies.modified,
       replies.locations, replies.expires, replies.audit_ids, replies.answered_at, stored
  FROM (SELECT * FROM told ORDER BY n) AS in_order;
  IF stored < cardinality(claims) THEN
    PERFORM tenon.raise_key_collision(claims);
  END IF;
  RETURN replies;
END
$$;
GRANT EXECUTE ON FUNCTION public.decrement_stock_atomic TO tenon_edge;
