-- The black market: items on sale, and what was bought of them, held in escrow.

CREATE TABLE public.market_items (
  id uuid PRIMARY KEY DEFAULT tenon.new_id(),
  seller_id text NOT NULL CHECK (char_length(seller_id) BETWEEN 1 AND 200),
  category text NOT NULL CHECK (category IN ('Stolen Goods', 'Counterfeits', 'Weapons', 'Restricted Items', 'Services')),
  item_name text NOT NULL CHECK (char_length(item_name) BETWEEN 1 AND 200),
  description text NOT NULL CHECK (char_length(description) BETWEEN 10 AND 2000),
  price_per_unit numeric(9, 2) NOT NULL CHECK (price_per_unit BETWEEN 0.01 AND 1000000),
  state tenon.state_code NOT NULL,
  city text NOT NULL CHECK (char_length(city) BETWEEN 1 AND 120),
  risk_score numeric(5, 2) NOT NULL DEFAULT 50 CHECK (risk_score BETWEEN 0 AND 100),
  status text NOT NULL DEFAULT 'Active' CHECK (status IN ('Active', 'Sold', 'Seized', 'Removed')),
  quantity_listed integer NOT NULL CHECK (quantity_listed BETWEEN 1 AND 1000000),
  quantity integer NOT NULL CHECK (quantity >= 0),  -- what is left
  quantity_sold integer NOT NULL DEFAULT 0 CHECK (quantity_sold >= 0),
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  prior_updated_at timestamptz,
  CONSTRAINT units_add_up CHECK (quantity + quantity_sold = quantity_listed),
  CONSTRAINT sold_means_none_left CHECK ((status = 'Sold') = (quantity = 0))
) WITH (fillfactor = 70);  -- room for a row's next version on its own page (HOT)
CREATE INDEX market_items_seller ON public.market_items (seller_id, id);

CREATE TABLE public.market_purchases (
  id uuid PRIMARY KEY DEFAULT tenon.new_id(),
  item_id uuid NOT NULL REFERENCES public.market_items,
  buyer_id text NOT NULL CHECK (char_length(buyer_id) BETWEEN 1 AND 200),
  quantity integer NOT NULL CHECK (quantity >= 1),
  total_price numeric(16, 2) NOT NULL CHECK (total_price BETWEEN 0.01 AND 1000000000000),
  delivery_method text NOT NULL CHECK (delivery_method IN ('Pickup', 'Courier', 'Shipping')),
  meetup_location text CHECK (char_length(meetup_location) BETWEEN 1 AND 200),
  escrow_status text NOT NULL DEFAULT 'Pending' CHECK (escrow_status = 'Pending'),
  purchased_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX market_purchases_item ON public.market_purchases (item_id);
REVOKE ALL ON public.market_items, public.market_purchases FROM PUBLIC;
GRANT SELECT ON public.market_items TO tenon_edge;

CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.market_items FOR EACH ROW
  WHEN (NEW.version <= OLD.version OR NEW.updated_at <= OLD.updated_at OR NEW.id <> OLD.id)
  EXECUTE FUNCTION tenon.refuse_old_version();

CREATE FUNCTION tenon.location_body(state text, city text) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"state":"' || state || '","city":' || to_json(city) || '}'
$$;

CREATE FUNCTION tenon.market_item_body(i public.market_items) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"id":"' || i.id || '","sellerId":' || to_json(i.seller_id) || ',"category":"' || i.category
         || '","itemName":' || to_json(i.item_name) || ',"description":' || to_json(i.description)
         || ',"quantity":' || i.quantity || ',"quantitySold":' || i.quantity_sold || ',"pricePerUnit":' || i.price_per_unit
         || ',"location":' || tenon.location_body(i.state, i.city) || ',"riskScore":' || trim_scale(i.risk_score)
         || ',"status":"' || i.status || '","version":' || i.version || ',"createdAt":"' || tenon.iso(i.created_at)
         || '","updatedAt":"' || tenon.iso(i.updated_at) || '"}'
$$;
GRANT EXECUTE ON FUNCTION tenon.market_item_body, tenon.location_body TO tenon_edge;

-- {"category", "itemName", "description", "quantity", "pricePerUnit", "location": {"state", "city"}, "riskScore"?, "status"?}:
-- the seller is the caller.
CREATE FUNCTION tenon.create_market_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

CREATE FUNCTION tenon.lock_market_items(arguments jsonb[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
  SELECT FROM market_items WHERE id = ANY (SELECT (a ->> 'id')::uuid FROM unnest(arguments) AS a) ORDER BY id FOR UPDATE
$$;

-- {"id", "quantity", "deliveryMethod", "meetupLocation"?}: takes units out of the market and holds them, and their price, in
-- escrow for the caller. The last unit turns the item Sold.
CREATE FUNCTION tenon.purchase_market_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

SELECT tenon.register_operation('create_market_item', 'tenon.create_market_item');
SELECT tenon.register_operation('purchase_market_item', 'tenon.purchase_market_item', 'tenon.lock_market_items');
