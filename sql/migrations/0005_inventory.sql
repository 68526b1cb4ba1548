-- FurnitureOps: the inventory and every operation on it but the sale, which has a file of its own.

-- The half of an item's JSON that a sale leaves alone. IMMUTABLE is true of these values, though to_json and to_char promise
-- less for others.
CREATE FUNCTION tenon.item_head(
  id uuid, name text, origin text, price numeric, image_url text, created_at timestamptz)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT '{"id":"' || id || '","name":' || to_json(name) || ',"origin":' || coalesce(to_json(origin)::text, 'null')
         || ',"price":' || price || ',"image_url":' || coalesce(to_json(image_url)::text, 'null')
         || ',"created_at":"' || tenon.iso(created_at) || '"'
$$;

-- What a column holds by itself is said by its domain: a table's CHECK is parsed again by every statement that writes to the
-- table and evaluated for columns that it leaves alone, a domain's neither.
CREATE DOMAIN tenon.item_name AS text CHECK (char_length(VALUE) BETWEEN 1 AND 200);
CREATE DOMAIN tenon.item_origin AS text CHECK (char_length(VALUE) BETWEEN 1 AND 100);
CREATE DOMAIN tenon.item_price AS numeric(12, 2) CHECK (VALUE > 0 AND VALUE <> 'NaN');
CREATE DOMAIN tenon.image_url AS text CHECK (char_length(VALUE) BETWEEN 1 AND 2000);
CREATE DOMAIN tenon.pieces AS bigint CHECK (VALUE BETWEEN 0 AND 9007199254740991);  -- a JSON number must hold it

CREATE DOMAIN tenon.version AS bigint CHECK (VALUE >= 1);

CREATE TABLE public.inventory (
  id uuid PRIMARY KEY DEFAULT tenon.new_id(),
  name tenon.item_name NOT NULL,
  origin tenon.item_origin,
  price tenon.item_price NOT NULL,
  image_url tenon.image_url,
  quantity_available tenon.pieces NOT NULL DEFAULT 0,
  quantity_sold tenon.pieces NOT NULL DEFAULT 0,
  quantity_received tenon.pieces NOT NULL,
  version tenon.version NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  prior_updated_at timestamptz,  -- of the version before: tells whether a coarse date token is ambiguous
  -- Rendered when one of them changes rather than with every sale.
  head text NOT NULL GENERATED ALWAYS AS (tenon.item_head(id, name, origin, price, image_url, created_at)) STORED,
  -- Nothing is sold that did not come in, and nothing gets lost: available + sold changes by create and restock alone.
  CONSTRAINT stock_adds_up CHECK (quantity_available + quantity_sold = quantity_received)
) WITH (fillfactor = 70);  -- room for a row's next version on its own page (HOT)
REVOKE ALL ON public.inventory FROM PUBLIC;
GRANT SELECT ON public.inventory TO tenon_edge, tenon_teller;
GRANT UPDATE (quantity_available, quantity_sold, version, prior_updated_at, updated_at) ON public.inventory TO tenon_teller;

CREATE FUNCTION tenon.refuse_shrinking_counters() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'quantity_sold, quantity_received and version only grow' USING ERRCODE = 'check_violation';
END
$$;
-- AFTER: one BEFORE a row would render every head anew and lock every row a second time. Two, as a condition is parsed again by
-- every statement that it stands in the way of: a sale names neither of the second one's columns.
CREATE TRIGGER counters_only_grow AFTER UPDATE ON public.inventory FOR EACH ROW
  WHEN (NEW.quantity_sold < OLD.quantity_sold OR NEW.version <= OLD.version OR NEW.updated_at <= OLD.updated_at)
  EXECUTE FUNCTION tenon.refuse_shrinking_counters();
CREATE TRIGGER received_only_grows AFTER UPDATE OF id, quantity_received ON public.inventory FOR EACH ROW
  WHEN (NEW.quantity_received < OLD.quantity_received OR NEW.id <> OLD.id)
  EXECUTE FUNCTION tenon.refuse_shrinking_counters();

-- The answer's JSON: the head, and what a sale changes. Helpers that are one expression have no search_path of their own,
-- since a function with a SET clause is never inlined; their callers pin it. They are STABLE for the same reason: concat is, and
-- a function that claims more than its parts is not inlined. One concat, since each of many || is set up by itself.
CREATE FUNCTION tenon.item_tail(available bigint, sold bigint, version bigint, updated_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT concat(',"quantity_available":', available, ',"quantity_sold":', sold, ',"version":', version,
                ',"updated_at":"', tenon.iso(updated_at), '"}')
$$;
CREATE FUNCTION tenon.item_body(item public.inventory) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT item.head
         || tenon.item_tail(item.quantity_available, item.quantity_sold, item.version, item.updated_at)
$$;
CREATE FUNCTION tenon.item_stock(available bigint, sold bigint, version bigint) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT concat('{"quantity_available":', available, ',"quantity_sold":', sold, ',"version":', version, '}')
$$;
GRANT EXECUTE ON FUNCTION tenon.item_body, tenon.item_tail, tenon.iso TO tenon_edge, tenon_teller;
GRANT EXECUTE ON FUNCTION tenon.item_stock TO tenon_teller;

-- Locks a batch's items in id order, so that no two batches wait for each other in a ring. `arguments` of any operation here:
-- an `id`, or `lines` with an `item_id` each.
CREATE FUNCTION tenon.lock_items(arguments jsonb[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
  SELECT FROM inventory WHERE id = ANY (
    SELECT (a ->> 'id')::uuid FROM unnest(arguments) AS a WHERE a ? 'id'
    UNION
    SELECT (line ->> 'item_id')::uuid FROM unnest(arguments) AS a, jsonb_array_elements(a -> 'lines') AS line
  ) ORDER BY id FOR UPDATE
$$;

CREATE FUNCTION tenon.item_answer(status integer, item public.inventory, audit_id bigint) RETURNS tenon.outcome
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT ROW(status, NULL, tenon.item_body(item), item.version, item.updated_at,
             CASE WHEN status = 201 THEN '/api/inventory/' || item.id END, audit_id)::tenon.outcome
$$;

CREATE FUNCTION tenon.no_such_item(id uuid) RETURNS tenon.outcome
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT tenon.refused(404, 'not_found', 'There is no item ' || id || '.')
$$;

-- {"name", "price", "origin"?, "quantity_available"?, "image_url"?}
CREATE FUNCTION tenon.create_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- {"id", "precondition"?, and at least one of "name", "price", "origin", "image_url"}; null clears origin and image_url.
CREATE FUNCTION tenon.update_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- {"id", "precondition"?, "increment"}
CREATE FUNCTION tenon.increment_stock(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- {"id", "precondition"?}
CREATE FUNCTION tenon.delete_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

CREATE FUNCTION tenon.order_line(item_id uuid, name text, quantity integer, price numeric, available bigint) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"item_id":"' || item_id || '","name":' || to_json(name) || ',"quantity":' || quantity || ',"unit_price":' || price
         || ',"line_total":' || price * quantity || ',"quantity_available":' || available || '}'
$$;
CREATE FUNCTION tenon.order_body(id uuid, lines text, total numeric, at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"id":"' || id || '","lines":[' || lines || '],"total":' || total || ',"created_at":"' || tenon.iso(at) || '"}'
$$;


-- {"lines": [{"item_id", "quantity"}, ...]}: all of them or none. Lines of one item are taken in the order given.
CREATE FUNCTION tenon.create_order(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off AS $$
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

-- Many orders at once, when every item has enough for all who ask.
CREATE FUNCTION tenon.create_orders(users text[], roles text[], request_ids text[], keys text[], arguments jsonb[])
RETURNS SETOF tenon.outcome LANGUAGE plpgsql
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashagg = off
SET plan_cache_mode = force_generic_plan AS $$
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

SELECT tenon.register_operation('create_item', 'tenon.create_item');
SELECT tenon.register_operation('update_item', 'tenon.update_item', 'tenon.lock_items');
SELECT tenon.register_operation('increment_stock', 'tenon.increment_stock', 'tenon.lock_items');
SELECT tenon.register_operation('delete_item', 'tenon.delete_item', 'tenon.lock_items');
SELECT tenon.register_operation('create_order', 'tenon.create_order', 'tenon.lock_items', 'tenon.create_orders');
