-- What the Node service writes to: as much as Tenon keeps, in the shape that serves one statement a request best. Runs on the
-- same cluster, as the superuser, and sells the same items.
DROP SCHEMA IF EXISTS node CASCADE;
CREATE SCHEMA node;
CREATE TABLE node.inventory (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  origin text,
  price numeric(12, 2) NOT NULL,
  image_url text,
  created_at timestamptz NOT NULL,
  quantity_available bigint NOT NULL CHECK (quantity_available >= 0),
  quantity_sold bigint NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE TABLE node.audit_logs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL,
  action text NOT NULL,
  entity uuid NOT NULL,
  before jsonb NOT NULL,
  after jsonb NOT NULL,
  request_id text NOT NULL,
  idempotency_key text NOT NULL
);
CREATE TABLE node.idempotency_keys (
  scope text NOT NULL,
  user_id text NOT NULL,
  key text NOT NULL,
  fingerprint bytea NOT NULL,
  status integer NOT NULL,
  body text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (scope, user_id, key)
);
INSERT INTO node.inventory
SELECT id, name, origin, price, image_url, created_at, 1000000000 FROM public.inventory;

-- One statement, one transaction: look the key up, sell, audit, store the answer. The row is locked by its UPDATE alone, and
-- the key is inserted last: a duplicate that runs at the same time fails on it, is rolled back and sent again.
CREATE FUNCTION node.sell(the_user text, the_key text, the_fingerprint bytea, the_request text, item uuid, quantity bigint,
                          OUT status integer, OUT body text, OUT replayed boolean)
LANGUAGE plpgsql AS $$
DECLARE
  known node.idempotency_keys;
  sold node.inventory;
BEGIN
  replayed := false;
  SELECT * INTO known FROM node.idempotency_keys AS k
  WHERE k.scope = 'inventory:update' AND k.user_id = the_user AND k.key = the_key AND k.expires_at > now();
  IF FOUND THEN
    IF known.fingerprint <> the_fingerprint THEN
      status := 409;
      body := '{"error":"Conflict: this Idempotency-Key was used for another request."}';
      RETURN;
    END IF;
    status := known.status;
    body := known.body;
    replayed := true;
    RETURN;
  END IF;
  UPDATE node.inventory AS i
  SET quantity_available = i.quantity_available - quantity, quantity_sold = i.quantity_sold + quantity, version = i.version + 1, updated_at = now()
  WHERE i.id = item AND i.quantity_available >= quantity RETURNING * INTO sold;
  IF FOUND THEN
    status := 200;
    body := json_build_object('id', sold.id, 'name', sold.name, 'origin', sold.origin, 'price', sold.price, 'image_url', sold.image_url,
                              'created_at', sold.created_at, 'quantity_available', sold.quantity_available, 'quantity_sold', sold.quantity_sold,
                              'version', sold.version, 'updated_at', sold.updated_at);
    INSERT INTO node.audit_logs (actor, action, entity, before, after, request_id, idempotency_key) VALUES (
      the_user, 'STOCK_DECREMENT', item,
      jsonb_build_object('quantity_available', sold.quantity_available + quantity, 'quantity_sold', sold.quantity_sold - quantity, 'version', sold.version - 1),
      jsonb_build_object('quantity_available', sold.quantity_available, 'quantity_sold', sold.quantity_sold, 'version', sold.version),
      the_request, the_key);
  ELSE
    status := CASE WHEN EXISTS (SELECT FROM node.inventory AS i WHERE i.id = item) THEN 409 ELSE 404 END;
    body := CASE status WHEN 409 THEN '{"error":"Conflict: not enough in stock."}' ELSE '{"error":"Not found."}' END;
  END IF;
  INSERT INTO node.idempotency_keys AS k
  VALUES ('inventory:update', the_user, the_key, the_fingerprint, status, body, now() + interval '60 s')
  ON CONFLICT (scope, user_id, key) DO UPDATE
  SET fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, expires_at = excluded.expires_at
  WHERE k.expires_at <= now();
  IF NOT FOUND THEN
    RAISE unique_violation;
  END IF;
END
$$;
ANALYZE node.inventory;
