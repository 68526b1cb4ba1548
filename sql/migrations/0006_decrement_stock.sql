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

-- A batch of sales, each at most once per key. In the usual case - every command fresh, without a concurrency token, and every
-- item with enough for all who ask - a batch changes stock, audit log and keys in two statements, whatever its size. The first
-- locks its items in id order; keys are stored after that, so that a duplicate which sold the same item on another node is
-- simply seen. When the case turns out to be another one, what was done is undone and the batch goes
-- through tenon.execute, command by command in the order given: a smaller later command may then get what a larger earlier
-- one could not.
--
-- It runs as tenon_teller, whose changes and entries no trigger counts: that was a quarter of what a small batch cost. It holds
-- them against each other itself, by number and by rows as tenon.check_audit_balance would, and aborts where they differ.
--
-- Elements are taken by number: an array parameter of a PL/pgSQL function is held unpacked, whereas unnest() of many arrays
-- writes each of them to a store of its own first.
CREATE FUNCTION public.decrement_stock_atomic(
  claims uuid[], scopes text[], users text[], keys text[], fingerprints bytea[], lifetimes integer[], roles text[],
  request_ids text[], item_ids uuid[], quantities integer[], preconditions jsonb[])
RETURNS tenon.replies
LANGUAGE plpgsql SECURITY DEFINER
-- Plans made while the tables were empty must serve when they are full; a hash aggregate would lose the order of locking, another
-- join than a nested loop would read all items.
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashagg = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
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
GRANT EXECUTE ON FUNCTION tenon.execute TO tenon_teller;
GRANT USAGE ON TYPE tenon.replies TO tenon_teller;
GRANT CREATE ON SCHEMA public TO tenon_teller;  -- which the owner of a function must have for the moment in which it becomes that
ALTER FUNCTION public.decrement_stock_atomic OWNER TO tenon_teller;
REVOKE CREATE ON SCHEMA public FROM tenon_teller;
REVOKE EXECUTE ON FUNCTION public.decrement_stock_atomic FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.decrement_stock_atomic TO tenon_edge, tenon_owner;  -- tenon_owner: decrement_stock_signed
