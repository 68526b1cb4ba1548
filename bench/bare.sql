-- What one would write by hand: one row at a time, no key, no HTTP. Runs on the same cluster as the node.
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
CREATE TABLE bare.inventory (
  id integer PRIMARY KEY,
  name text NOT NULL,
  price numeric(12, 2) NOT NULL,
  quantity_available bigint NOT NULL CHECK (quantity_available >= 0),
  quantity_sold bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE TABLE bare.audit_logs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL,
  action text NOT NULL,
  item_id integer NOT NULL,
  before bigint NOT NULL,
  after bigint NOT NULL
);
INSERT INTO bare.inventory SELECT n, 'Chair ' || n, 10 + n % 90, 1000000000 FROM generate_series(1, 10000) AS n;
CREATE FUNCTION bare.decrement_stock_atomic(item integer, quantity bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  available bigint;
BEGIN
  SELECT quantity_available INTO available FROM bare.inventory WHERE id = item FOR UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'no such item'; END IF;
  IF available < quantity THEN RAISE EXCEPTION 'insufficient stock'; END IF;
  UPDATE bare.inventory
  SET quantity_available = quantity_available - quantity, quantity_sold = quantity_sold + quantity, updated_at = now()
  WHERE id = item;
  INSERT INTO bare.audit_logs (actor, action, item_id, before, after)
  VALUES ('clerk-1', 'STOCK_DECREMENT', item, available, available - quantity);
  RETURN available - quantity;
END
$$;
ANALYZE bare.inventory;
