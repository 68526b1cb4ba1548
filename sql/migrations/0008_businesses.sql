-- Businesses: created, changed under a concurrency token, deleted.

CREATE DOMAIN tenon.state_code AS text CHECK (VALUE IN (
  'AL', 'AK', 'AZ', 'AR', 'CA', 'CO', 'CT', 'DE', 'DC', 'FL', 'GA', 'HI', 'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME', 'MD',
  'MA', 'MI', 'MN', 'MS', 'MO', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PA', 'RI', 'SC', 'SD',
  'TN', 'TX', 'UT', 'VT', 'VA', 'WA', 'WV', 'WI', 'WY'));

-- What a business or a facility holds: [{"substance", "quantity", "purity", "batch"?}]. In jsonb's order a number stands
-- between numbers only.
CREATE FUNCTION tenon.is_holdings(holdings jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN jsonb_typeof(holdings) = 'array' THEN jsonb_array_length(holdings) <= 200 AND NOT EXISTS (
    SELECT FROM jsonb_array_elements(holdings) AS held
    WHERE (jsonb_typeof(held) = 'object'
           AND char_length(held ->> 'substance') BETWEEN 1 AND 100
           AND held -> 'quantity' BETWEEN '0' AND '1000000000'
           AND held -> 'purity' BETWEEN '0' AND '100'
           AND coalesce(char_length(held ->> 'batch') BETWEEN 1 AND 100, true)) IS NOT TRUE)
  ELSE false END
$$;

CREATE TABLE public.businesses (
  id uuid PRIMARY KEY DEFAULT tenon.new_id(),
  name text NOT NULL CHECK (char_length(name) BETWEEN 2 AND 200),
  owner_id text NOT NULL CHECK (char_length(owner_id) BETWEEN 1 AND 200),
  company_id text CHECK (char_length(company_id) BETWEEN 1 AND 200),
  category text NOT NULL
    CHECK (category IN ('Dispensary', 'Cultivation Facility', 'Distribution Center', 'Processing Plant')),
  status text NOT NULL DEFAULT 'Active' CHECK (status IN ('Active', 'Pending', 'Suspended', 'Closed', 'Converted')),
  tax_rate numeric(5, 2) NOT NULL DEFAULT 0 CHECK (tax_rate BETWEEN 0 AND 100),
  inventory jsonb NOT NULL DEFAULT '[]' CHECK (tenon.is_holdings(inventory)),
  state tenon.state_code NOT NULL,
  city text NOT NULL CHECK (char_length(city) BETWEEN 1 AND 120),
  address_line text CHECK (char_length(address_line) BETWEEN 1 AND 200),
  postal_code text CHECK (char_length(postal_code) BETWEEN 3 AND 12),
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  prior_updated_at timestamptz,  -- of the version before: tells whether a coarse date token is ambiguous
  CONSTRAINT one_name_per_owner UNIQUE (owner_id, name)
) WITH (fillfactor = 80);
REVOKE ALL ON public.businesses FROM PUBLIC;
GRANT SELECT ON public.businesses TO tenon_edge;

-- Versions and their moments tell states apart, so neither is ever used again.
CREATE FUNCTION tenon.refuse_old_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'a change of % raises its version and its updated_at', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.businesses FOR EACH ROW
  WHEN (NEW.version <= OLD.version OR NEW.updated_at <= OLD.updated_at OR NEW.id <> OLD.id)
  EXECUTE FUNCTION tenon.refuse_old_version();

CREATE FUNCTION tenon.business_body(b public.businesses) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"id":"' || b.id || '","name":' || to_json(b.name) || ',"ownerId":' || to_json(b.owner_id)
         || ',"companyId":' || tenon.json_text(b.company_id) || ',"category":"' || b.category || '","status":"' || b.status
         || '","taxRate":' || trim_scale(b.tax_rate) || ',"inventory":' || b.inventory
         || ',"address":{"state":"' || b.state || '","city":' || to_json(b.city)
         || ',"addressLine":' || tenon.json_text(b.address_line) || ',"postalCode":' || tenon.json_text(b.postal_code)
         || '},"version":' || b.version || ',"createdAt":"' || tenon.iso(b.created_at)
         || '","updatedAt":"' || tenon.iso(b.updated_at) || '"}'
$$;
GRANT EXECUTE ON FUNCTION tenon.business_body TO tenon_edge;

CREATE FUNCTION tenon.business_answer(status integer, b public.businesses, audit_id bigint) RETURNS tenon.outcome
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT ROW(status, NULL, tenon.business_body(b), b.version, b.updated_at,
             CASE WHEN status = 201 THEN '/api/business/' || b.id END, audit_id)::tenon.outcome
$$;

-- Takes names before they are looked at, all in one order, so that two batches which want the same names can't wait for each
-- other in a ring on the unique index. Rows are locked before names, everywhere. A name stands for one of 1024 locks.
CREATE FUNCTION tenon.lock_business_names(owners text[], names text[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  stripe integer;
BEGIN
  FOR stripe IN
    SELECT DISTINCT hashtext(owner || E'\n' || name) & 1023 FROM unnest(owners, names) AS wanted (owner, name)
    WHERE name IS NOT NULL ORDER BY 1
  LOOP
    PERFORM pg_advisory_xact_lock('public.businesses'::regclass::oid::integer, stripe);
  END LOOP;
END
$$;

-- Arguments of create_business: "ownerId" and "name".
CREATE FUNCTION tenon.lock_new_businesses(arguments jsonb[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
  SELECT tenon.lock_business_names(array_agg(a ->> 'ownerId'), array_agg(a ->> 'name')) FROM unnest(arguments) AS a
$$;

-- Arguments of update_business and delete_business: "id", and "name" when it changes.
CREATE FUNCTION tenon.lock_businesses(arguments jsonb[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM businesses WHERE id = ANY (SELECT (a ->> 'id')::uuid FROM unnest(arguments) AS a) ORDER BY id FOR UPDATE;
  PERFORM tenon.lock_business_names(array_agg(b.owner_id), array_agg(a ->> 'name'))
  FROM unnest(arguments) AS a JOIN businesses AS b ON b.id = (a ->> 'id')::uuid;
END
$$;

CREATE FUNCTION tenon.name_taken(owner text, name text) RETURNS tenon.outcome
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT tenon.refused(409, 'already_exists', 'The owner has a business of this name already.',
                       jsonb_build_object('name', name, 'ownerId', owner))
$$;

-- {"name", "ownerId", "companyId"?, "category", "status"?, "taxRate"?, "inventory"?, "address": {"state", "city",
-- "addressLine"?, "postalCode"?}}
CREATE FUNCTION tenon.create_business(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  new businesses;
BEGIN
  INSERT INTO businesses (name, owner_id, company_id, category, status, tax_rate, inventory, state, city, address_line, postal_code)
  VALUES (arguments ->> 'name', arguments ->> 'ownerId', arguments ->> 'companyId', arguments ->> 'category',
          coalesce(arguments ->> 'status', 'Active'), coalesce((arguments ->> 'taxRate')::numeric, 0),
          coalesce(arguments -> 'inventory', '[]'), arguments #>> '{address,state}', arguments #>> '{address,city}',
          arguments #>> '{address,addressLine}', arguments #>> '{address,postalCode}')
  ON CONFLICT ON CONSTRAINT one_name_per_owner DO NOTHING
  RETURNING * INTO new;
  IF NOT FOUND THEN
    RETURN tenon.name_taken(arguments ->> 'ownerId', arguments ->> 'name');
  END IF;
  RETURN tenon.business_answer(
    201, new, tenon.audit(command, 'CREATE_BUSINESS', 'business', new.id, NULL, tenon.business_body(new)));
END
$$;

-- {"id", "precondition", and at least one of "name", "category", "status", "taxRate", "address" (its members alike)}; null
-- clears addressLine and postalCode.
CREATE FUNCTION tenon.update_business(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  old businesses;
  new businesses;
  address CONSTANT jsonb := coalesce(arguments -> 'address', '{}');
BEGIN
  SELECT * INTO old FROM businesses WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.stale_or_gone('There is no business ' || (arguments ->> 'id') || '.');
  END IF;
  IF NOT tenon.owns(command, old.owner_id) THEN
    RETURN tenon.not_owner('Only its owner or an admin may change a business.');
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  IF EXISTS (SELECT FROM businesses WHERE owner_id = old.owner_id AND name = arguments ->> 'name' AND id <> old.id) THEN
    RETURN tenon.name_taken(old.owner_id, arguments ->> 'name');
  END IF;
  UPDATE businesses SET
    name = coalesce(arguments ->> 'name', name),
    category = coalesce(arguments ->> 'category', category),
    status = coalesce(arguments ->> 'status', status),
    tax_rate = coalesce((arguments ->> 'taxRate')::numeric, tax_rate),
    state = coalesce(address ->> 'state', state),
    city = coalesce(address ->> 'city', city),
    address_line = CASE WHEN address ? 'addressLine' THEN address ->> 'addressLine' ELSE address_line END,
    postal_code = CASE WHEN address ? 'postalCode' THEN address ->> 'postalCode' ELSE postal_code END,
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN tenon.business_answer(200, new, tenon.audit(command, 'UPDATE_BUSINESS', 'business', new.id,
                                                     tenon.business_body(old), tenon.business_body(new)));
END
$$;

-- {"id", "precondition"}
CREATE FUNCTION tenon.delete_business(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  old businesses;
BEGIN
  SELECT * INTO old FROM businesses WHERE id = (arguments ->> 'id')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.stale_or_gone('There is no business ' || (arguments ->> 'id') || '.');
  END IF;
  IF NOT tenon.owns(command, old.owner_id) THEN
    RETURN tenon.not_owner('Only its owner or an admin may delete a business.');
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  DELETE FROM businesses WHERE id = old.id;
  RETURN ROW(204, NULL, '', NULL, NULL, NULL,
             tenon.audit(command, 'DELETE_BUSINESS', 'business', old.id, tenon.business_body(old), NULL))::tenon.outcome;
END
$$;

SELECT tenon.register_operation('create_business', 'tenon.create_business', 'tenon.lock_new_businesses');
SELECT tenon.register_operation('update_business', 'tenon.update_business', 'tenon.lock_businesses');
SELECT tenon.register_operation('delete_business', 'tenon.delete_business', 'tenon.lock_businesses');
